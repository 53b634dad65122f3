import EventSourcing
import Foundation
import JSON

/// Writes or reads the parts of a journal record, so that one description of a value serves both.
///
/// Each method takes the value to write, or nil to read one, and returns the value. Reads throw
/// `damaged` for bytes that no coder wrote. Numbers take as few bytes as they need, the
/// least significant 7 bits first (LEB128). Texts follow their length.
struct JournalCoder {
    private(set) var bytes: [UInt8] = []
    /// The index of the next byte to read.
    private var at = 0

    /// Creates a coder that writes.
    init() {}

    /// Creates a coder that reads.
    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    private static let tooShort = DaybookError(.damaged, "it ends too early")

    mutating func byte(_ value: UInt8?) throws(DaybookError) -> UInt8 {
        if let value {
            bytes.append(value)
            return value
        }
        guard at < bytes.count else { throw Self.tooShort }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func number(_ value: UInt64?) throws(DaybookError) -> UInt64 {
        if let value {
            var rest = value
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
            return value
        }
        var (read, shift): (UInt64, UInt64) = (0, 0)
        while true {
            let byte = try byte(nil)
            guard shift < 63 || (shift == 63 && byte <= 1) else {
                throw DaybookError(.damaged, "a number has more than 64 bits")
            }
            read |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else { return read }
            shift += 7
        }
    }

    /// Codes the value in few bytes if it is near `base`, above or below (zigzag).
    mutating func signed(
        _ value: Int64?, from base: Int64 = 0
    ) throws(DaybookError) -> Int64 {
        let distance = value.map { $0 &- base }
        let zigzag = try number(distance.map { UInt64(bitPattern: ($0 << 1) ^ ($0 >> 63)) })
        return base &+ (Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
    }

    /// Codes the value in few bytes if it is near `base`.
    mutating func number(
        _ value: UInt64?, from base: UInt64
    ) throws(DaybookError) -> UInt64 {
        let value = value.map { Int64(bitPattern: $0) }
        return UInt64(bitPattern: try signed(value, from: Int64(bitPattern: base)))
    }

    /// Codes all 8 bytes of the value.
    mutating func word(_ value: UInt64?) throws(DaybookError) -> UInt64 {
        var word: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
            let byte = try byte(value.map { UInt8(truncatingIfNeeded: $0 >> shift) })
            word |= UInt64(byte) << shift
        }
        return word
    }

    mutating func flag(_ value: Bool?) throws(DaybookError) -> Bool {
        switch try byte(value.map { $0 ? 1 : 0 }) {
        case 0: false
        case 1: true
        case let other: throw DaybookError(.damaged, "\(other) is neither 0 nor 1")
        }
    }

    mutating func time(
        _ value: Timestamp?, from base: Timestamp = Timestamp(microseconds: 0)
    ) throws(DaybookError) -> Timestamp {
        Timestamp(microseconds: try signed(value?.microseconds, from: base.microseconds))
    }

    mutating func time(
        _ value: RunningTime?, from base: RunningTime = .zero
    ) throws(DaybookError) -> RunningTime {
        RunningTime(microseconds: try signed(value?.microseconds, from: base.microseconds))
    }

    mutating func id(_ value: EventID?) throws(DaybookError) -> EventID {
        EventID(high: try word(value?.high), low: try word(value?.low))
    }

    /// Codes the length of a list. Each element takes at least a byte, so a count beyond the
    /// remaining bytes is rejected before memory is reserved for it.
    mutating func count(_ value: Int?) throws(DaybookError) -> Int {
        let count = try number(value.map(UInt64.init))
        guard value != nil || count <= bytes.count - at else { throw Self.tooShort }
        return Int(count)
    }

    mutating func list<Element>(
        _ elements: [Element]?,
        _ code: (inout JournalCoder, Element?) throws -> Element
    ) throws -> [Element] {
        var list: [Element] = []
        for index in 0..<(try count(elements?.count)) {
            list.append(try code(&self, elements?[index]))
        }
        return list
    }

    mutating func text(_ value: String?) throws(DaybookError) -> String {
        if let value {
            _ = try count(value.utf8.count)
            bytes.append(contentsOf: value.utf8)
            return value
        }
        return try String(validating: try lengthPrefixed(), as: UTF8.self)
            .orThrow(.damaged, "a text is not UTF-8")
    }

    mutating func json<Value: Codable>(_ value: Value?) throws -> Value {
        guard let value else { return try JSON.decode(from: try lengthPrefixed()) }
        let encoded = try JSON.encode(value)
        _ = try count(encoded.count)
        bytes.append(contentsOf: encoded)
        return value
    }

    private mutating func lengthPrefixed() throws(DaybookError) -> ArraySlice<UInt8> {
        let count = try count(nil)
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// Throws if bytes are left over after a read.
    func checkEnd() throws(DaybookError) {
        try require(at == bytes.count, .damaged, "\(bytes.count - at) bytes are left over")
    }
}
