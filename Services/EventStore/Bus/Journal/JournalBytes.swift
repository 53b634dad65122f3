import EventSourcing
import Foundation
import JSON

/// Why bytes are not a record of the bus's journal.
struct JournalFormatError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Writes the parts of a journal record. Numbers take as few bytes as they need, the least
/// significant 7 bits first (LEB128). Texts follow their length.
struct JournalWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func count(_ value: Int) { number(UInt64(value)) }

    /// Writes the value in few bytes if it is near 0, above or below (zigzag).
    mutating func signed(_ value: Int64) {
        number(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Writes the value in few bytes if it is near `base`.
    mutating func number(_ value: UInt64, from base: UInt64) {
        signed(Int64(bitPattern: value &- base))
    }

    /// Writes the value in few bytes if it is near `base`.
    mutating func signed(_ value: Int64, from base: Int64) { signed(value &- base) }

    /// Writes all 8 bytes of the value.
    mutating func word(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func text(_ value: some StringProtocol) {
        count(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func json(_ value: some Encodable) throws {
        let encoded = try JSON.encode(value)
        count(encoded.count)
        bytes.append(contentsOf: encoded)
    }
}

/// Reads what `JournalWriter` has written. Throws `JournalFormatError` for anything else.
struct JournalReader {
    private let bytes: ArraySlice<UInt8>
    private var at: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    private static let tooShort = JournalFormatError("it ends too early")

    mutating func byte() throws(JournalFormatError) -> UInt8 {
        guard at < bytes.endIndex else { throw Self.tooShort }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func number() throws(JournalFormatError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            guard shift < 63 || (shift == 63 && byte <= 1) else {
                throw JournalFormatError("a number has more than 64 bits")
            }
            value |= UInt64(byte & 0x7F) << shift
            guard byte & 0x80 != 0 else { return value }
            shift += 7
        }
    }

    mutating func signed() throws(JournalFormatError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func number(from base: UInt64) throws(JournalFormatError) -> UInt64 {
        base &+ UInt64(bitPattern: try signed())
    }

    mutating func signed(from base: Int64) throws(JournalFormatError) -> Int64 {
        base &+ (try signed())
    }

    mutating func word() throws(JournalFormatError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 64, by: 8) {
            value |= UInt64(try byte()) << shift
        }
        return value
    }

    /// Reads the length of a list. Each element takes at least a byte, so a count beyond the
    /// remaining bytes is rejected before memory is reserved for it.
    mutating func count() throws(JournalFormatError) -> Int {
        let value = try number()
        guard value <= bytes.endIndex - at else { throw Self.tooShort }
        return Int(value)
    }

    private mutating func lengthPrefixed() throws(JournalFormatError) -> ArraySlice<UInt8> {
        let count = try count()
        defer { at += count }
        return bytes[at..<at + count]
    }

    mutating func text() throws(JournalFormatError) -> String {
        guard let text = String(validating: try lengthPrefixed(), as: UTF8.self) else {
            throw JournalFormatError("a text is not UTF-8")
        }
        return text
    }

    mutating func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSON.decode(type, from: try lengthPrefixed())
    }

    func checkEnd() throws(JournalFormatError) {
        guard at == bytes.endIndex else {
            throw JournalFormatError("\(bytes.endIndex - at) bytes are left over")
        }
    }
}
