import Bytes
import Foundation

/// JSON text that has been checked, and the list of its values, so that decoders need not read it
/// again.
final class JSONDocument: Sendable {
    enum Kind: UInt8 { case null, `false`, `true`, number, string, escapedString, array, object }

    /// A value, or the name of an object's member. They stand in the order of the text: a member's
    /// name is followed by its value, and an array or object by what it contains.
    private struct Entry {
        var kind: Kind
        /// The range of a number, or of a string between its quotes.
        var start: UInt32 = 0
        var end: UInt32 = 0
        /// The index after the value and all that it contains.
        var next: UInt32
    }

    /// How deep arrays and objects may be nested.
    private static let maximumDepth = 512

    private let bytes: [UInt8]
    private let entries: [Entry]

    /// Reads JSON text. It may begin with a byte order mark.
    init(_ bytes: [UInt8]) throws(JSONError) {
        guard UInt32(exactly: bytes.count) != nil else {
            throw JSONError(offset: 0, reason: "it is longer than 4 GiB")
        }
        self.bytes = bytes
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var reader = Reader(
            scanner: JSONScanner(start..<bytes.count, maximumDepth: Self.maximumDepth))
        reader.entries.reserveCapacity(bytes.count / 8 + 1)
        try reader.value(bytes.span)
        try reader.scanner.finish(bytes.span)
        entries = reader.entries
    }

    private struct Reader {
        var scanner: JSONScanner
        var entries: [Entry] = []

        mutating func value(_ bytes: Span<UInt8>) throws(JSONError) {
            switch scanner.peek(bytes) {
            case UInt8(ascii: "{"): try values(of: .object, until: UInt8(ascii: "}"), bytes)
            case UInt8(ascii: "["): try values(of: .array, until: UInt8(ascii: "]"), bytes)
            default:
                switch try scanner.scalar(bytes) {
                case .string(let text): append(text)
                case .number(let range): append(.number, range)
                case .null: append(.null)
                case .false: append(.false)
                case .true: append(.true)
                }
            }
        }

        private mutating func values(
            of kind: Kind, until close: UInt8, _ bytes: Span<UInt8>
        ) throws(JSONError) {
            let index = entries.count
            append(kind)
            try scanner.open()
            while try scanner.hasNext(bytes, until: close) {
                if kind == .object { append(try scanner.key(bytes)) }
                try value(bytes)
            }
            entries[index].next = UInt32(entries.count)
        }

        private mutating func append(_ text: JSONScanner.Text) {
            append(text.isEscaped ? .escapedString : .string, text.range)
        }

        // The text has at most 4 GiB, and no more values than bytes.
        private mutating func append(_ kind: Kind, _ range: Range<Int> = 0..<0) {
            entries.append(
                Entry(
                    kind: kind, start: UInt32(range.lowerBound), end: UInt32(range.upperBound),
                    next: UInt32(entries.count + 1)))
        }
    }

    func kind(_ index: Int) -> Kind { entries[index].kind }

    /// Returns the index after the value at `index` and all that it contains.
    func next(_ index: Int) -> Int { Int(entries[index].next) }

    private func range(_ index: Int) -> Range<Int> {
        Int(entries[index].start)..<Int(entries[index].end)
    }
}

// MARK: Members

extension JSONDocument {
    /// Calls `body` with the indices of the name and the value of each member.
    func forEachMember(of object: Int, _ body: (_ name: Int, _ value: Int) throws -> Void) rethrows
    {
        var name = object + 1
        while name < next(object) {
            try body(name, name + 1)
            name = next(name + 1)
        }
    }

    /// Returns the index of the value of the first member with this name, or nil.
    func member(_ name: String, of object: Int) -> Int? {
        let wanted = name.utf8Span.span
        let end = next(object)
        var index = object + 1
        while index < end {
            if isString(index, wanted) { return index + 1 }
            index = next(index + 1)
        }
        return nil
    }

    private func isString(_ index: Int, _ wanted: Span<UInt8>) -> Bool {
        let entry = entries[index]
        guard entry.kind == .string else {
            let text = unescaped(index).text
            return text.count == wanted.count
                && wanted.indices.allSatisfy { text[$0] == wanted[$0] }
        }
        guard Int(entry.end - entry.start) == wanted.count else { return false }
        let start = Int(entry.start)
        for offset in wanted.indices where bytes[start + offset] != wanted[offset] {
            return false
        }
        return true
    }

    /// Returns the names and numbers that lead from the whole text to the value at `index`.
    func path(to index: Int) -> [any CodingKey] {
        var path: [any CodingKey] = []
        var container = 0
        while container < index {
            let isObject = kind(container) == .object
            var value = container + (isObject ? 2 : 1)
            var number = 0
            while next(value) <= index {
                value = next(value) + (isObject ? 1 : 0)
                number += 1
            }
            path.append(isObject ? JSONKey(string(value - 1) ?? "") : JSONKey(number))
            container = value
        }
        return path
    }
}

/// A step of the path to a value.
struct JSONKey: CodingKey {
    var stringValue: String
    var intValue: Int?

    init(_ name: String) { stringValue = name }
    init(_ index: Int) { (stringValue, intValue) = ("\(index)", index) }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}

// MARK: Values

extension JSONDocument {
    /// Returns the string or name at `index`, or nil if it is not Unicode.
    func string(_ index: Int) -> String? {
        guard kind(index) == .escapedString else {
            let bytes = bytes
            let text = bytes.span.extracting(range(index))
            do { return String(copying: try UTF8Span(validating: text)) } catch { return nil }
        }
        let (text, isUnicode) = unescaped(index)
        return isUnicode ? String(validating: text, as: UTF8.self) : nil
    }

    private func unescaped(_ index: Int) -> (text: [UInt8], isUnicode: Bool) {
        var text: [UInt8] = []
        let bytes = bytes
        let isUnicode = JSONScanner.Text(range: range(index), isEscaped: true)
            .append(to: &text, from: bytes.span)
        return (text, isUnicode)
    }

    /// Returns the number at `index`, or nil if it does not fit the type.
    func integer<Number: FixedWidthInteger>(_ index: Int) -> Number? {
        let range = range(index)
        // No sum of 18 digits overflows.
        guard range.count <= 18 else { return exactInteger(index) }
        let isNegative = bytes[range.lowerBound] == UInt8(ascii: "-")
        var value: Int64 = 0
        for at in (isNegative ? range.dropFirst() : range) {
            let digit = bytes[at] &- UInt8(ascii: "0")
            guard digit < 10 else { return exactInteger(index) }
            value = value * 10 + Int64(digit)
        }
        return Number(exactly: isNegative ? -value : value)
    }

    /// Reads an integer with any number of digits, or one like `1.0` or `1e3`.
    private func exactInteger<Number: FixedWidthInteger>(_ index: Int) -> Number? {
        let text = numberText(index)
        return Number(text) ?? Decimal(string: text).flatMap { Number($0.description) }
    }

    /// Returns the number at `index`, or nil if it does not fit the type.
    func floatingPoint<Number: BinaryFloatingPoint & LosslessStringConvertible>(
        _ index: Int
    ) -> Number? {
        Number(numberText(index)).flatMap { $0.isFinite ? $0 : nil }
    }

    /// Returns the number at `index`, or nil if it has too large an exponent.
    func decimal(_ index: Int) -> Decimal? { Decimal(string: numberText(index)) }

    private func numberText(_ index: Int) -> String {
        String(decoding: bytes[range(index)], as: UTF8.self)
    }
}
