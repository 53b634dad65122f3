import Bytes

/// The place of an error in JSON text, and its reason.
public struct JSONError: Error, Hashable {
    /// The offset of the first wrong byte.
    public var offset: Int
    /// What is wrong there.
    public var reason: String

    /// The place and the reason, such as `at byte 5: expected ':'`.
    public var place: String { "at byte \(offset + 1): \(reason)" }
}

/// Reads JSON (RFC 8259) token by token, without a tree and without a copy.
///
/// The caller passes the bytes to each step. Offsets are offsets of these bytes.
///
/// Bytes inside strings are taken as they are. Whether they are UTF-8 is not checked.
public struct JSONScanner: Sendable {
    /// A string as it is written.
    public struct Text: Sendable {
        /// The range between the quotes.
        public var range: Range<Int>
        /// Whether the string has a backslash.
        public var isEscaped: Bool
    }

    /// A value that is neither an object nor an array.
    public enum Scalar: Sendable {
        case string(Text)
        /// The number's range.
        case number(Range<Int>)
        case null, `true`, `false`
    }

    /// The offset of the next byte.
    public var at: Int
    /// The offset after the last byte.
    public let end: Int
    private let maximumDepth: Int
    let isStrict: Bool
    private var depth = 0
    /// Whether the last token was an opening bracket.
    private var isAtFirst = false

    /// - Parameters:
    ///   - range: The part of the bytes to read.
    ///   - maximumDepth: How deep arrays and objects may be nested.
    ///   - isStrict: Whether to reject an escaped half of a surrogate pair, which RFC 8259 allows
    ///     but which is no Unicode character.
    public init(_ range: Range<Int>, maximumDepth: Int, isStrict: Bool = false) {
        at = range.lowerBound
        end = range.upperBound
        self.maximumDepth = maximumDepth
        self.isStrict = isStrict
    }

    /// Returns an error at an offset, or at the next byte.
    public func error(_ reason: String, at offset: Int? = nil) -> JSONError {
        JSONError(offset: offset ?? at, reason: reason)
    }

    /// Returns the next byte that is not white space, or 0 at the end. No valid JSON has a 0 there.
    @inlinable public mutating func peek(_ bytes: Span<UInt8>) -> UInt8 {
        while at < end {
            let byte = bytes[at]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            at += 1
        }
        return 0
    }

    /// Skips the next byte, an opening bracket.
    public mutating func open() throws(JSONError) {
        guard depth < maximumDepth else { throw error("nested deeper than \(maximumDepth)") }
        depth += 1
        at += 1
        isAtFirst = true
    }

    /// Returns whether another item follows an opening bracket or an item. If not, skips `close`.
    public mutating func hasNext(
        _ bytes: Span<UInt8>, until close: UInt8
    ) throws(JSONError) -> Bool {
        let byte = peek(bytes)
        defer { isAtFirst = false }
        if byte == close {
            depth -= 1
            at += 1
            return false
        }
        guard !isAtFirst else { return true }
        guard byte == UInt8(ascii: ",") else {
            throw error("expected ',' or '\(Character(Unicode.Scalar(close)))'")
        }
        at += 1
        return true
    }

    /// Reads a member's name and the colon after it.
    public mutating func key(_ bytes: Span<UInt8>) throws(JSONError) -> Text {
        guard peek(bytes) == UInt8(ascii: "\"") else { throw error("expected a name in quotes") }
        let key = try string(bytes)
        guard peek(bytes) == UInt8(ascii: ":") else { throw error("expected ':'") }
        at += 1
        return key
    }

    /// Reads the next value, which is neither an object nor an array.
    public mutating func scalar(_ bytes: Span<UInt8>) throws(JSONError) -> Scalar {
        switch peek(bytes) {
        case UInt8(ascii: "\""): return .string(try string(bytes))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .number(try number(bytes))
        case UInt8(ascii: "t") where holds(bytes, Self.true, at: at):
            at += 4
            return .true
        case UInt8(ascii: "f") where holds(bytes, Self.alse, at: at + 1):
            at += 5
            return .false
        case UInt8(ascii: "n") where holds(bytes, Self.null, at: at):
            at += 4
            return .null
        default: throw error(at < end ? "expected a JSON value" : "the JSON ends too early")
        }
    }

    /// Skips and checks the next value of any kind.
    public mutating func skip(_ bytes: Span<UInt8>) throws(JSONError) {
        switch peek(bytes) {
        case UInt8(ascii: "{"):
            try open()
            while try hasNext(bytes, until: UInt8(ascii: "}")) {
                _ = try key(bytes)
                try skip(bytes)
            }
        case UInt8(ascii: "["):
            try open()
            while try hasNext(bytes, until: UInt8(ascii: "]")) { try skip(bytes) }
        default: _ = try scalar(bytes)
        }
    }

    /// Checks that only white space is left.
    public mutating func finish(_ bytes: Span<UInt8>) throws(JSONError) {
        _ = peek(bytes)
        guard at == end else { throw error("expected the end after the JSON value") }
    }

    // Four letters as a little-endian word.
    private static let `true`: UInt32 = 0x6575_7274
    private static let alse: UInt32 = 0x6573_6C61
    private static let null: UInt32 = 0x6C6C_756E

    private func holds(_ bytes: Span<UInt8>, _ word: UInt32, at: Int) -> Bool {
        at + 4 <= end && bytes.uint32(at: at) == word
    }
}
