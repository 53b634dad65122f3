import EventSourcing

/// The place of an error in JSON text, and its reason.
struct JSONError: Error {
    var offset: Int
    var reason: String
}

/// Reads JSON (RFC 8259) token by token, without a tree and without a copy.
///
/// The caller passes the bytes to each step. Offsets are offsets of these bytes.
///
/// Bytes inside strings are taken as they are. Whether they are UTF-8 is not checked.
struct JSONScanner {
    struct Text {
        /// The range between the quotes.
        var range: Range<Int>
        var isEscaped: Bool
    }

    enum Scalar {
        case string(Text)
        case number(Range<Int>)
        case null, `true`, `false`
    }

    var at: Int
    let end: Int
    private let maximumDepth: Int
    private var depth = 0

    init(_ range: Range<Int>, maximumDepth: Int) {
        at = range.lowerBound
        end = range.upperBound
        self.maximumDepth = maximumDepth
    }

    func error(_ reason: String) -> JSONError { JSONError(offset: at, reason: reason) }

    /// Returns the next byte that is not white space, or 0 at the end. No valid JSON has a 0 there.
    mutating func peek(_ bytes: Span<UInt8>) -> UInt8 {
        while at < end {
            let byte = bytes[at]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            at += 1
        }
        return 0
    }

    /// Skips the next byte, an opening bracket.
    mutating func open() throws(JSONError) {
        guard depth < maximumDepth else { throw error("nested deeper than \(maximumDepth)") }
        depth += 1
        at += 1
    }

    /// Returns whether another item follows an opening bracket or an item. If not, skips `close`.
    mutating func hasNext(
        _ bytes: Span<UInt8>, until close: UInt8, isFirst: inout Bool
    ) throws(JSONError) -> Bool {
        let byte = peek(bytes)
        if byte == close {
            depth -= 1
            at += 1
            return false
        }
        if isFirst {
            isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else {
                throw error("expected ',' or '\(Character(Unicode.Scalar(close)))'")
            }
            at += 1
        }
        return true
    }

    /// Reads a member's name and the colon after it.
    mutating func key(_ bytes: Span<UInt8>) throws(JSONError) -> Text {
        guard peek(bytes) == UInt8(ascii: "\"") else { throw error("expected a name in quotes") }
        let key = try string(bytes)
        guard peek(bytes) == UInt8(ascii: ":") else { throw error("expected ':'") }
        at += 1
        return key
    }

    /// Reads the next value, which is neither an object nor an array.
    mutating func scalar(_ bytes: Span<UInt8>) throws(JSONError) -> Scalar {
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
    mutating func skip(_ bytes: Span<UInt8>) throws(JSONError) {
        var isFirst = true
        switch peek(bytes) {
        case UInt8(ascii: "{"):
            try open()
            while try hasNext(bytes, until: UInt8(ascii: "}"), isFirst: &isFirst) {
                _ = try key(bytes)
                try skip(bytes)
            }
        case UInt8(ascii: "["):
            try open()
            while try hasNext(bytes, until: UInt8(ascii: "]"), isFirst: &isFirst) {
                try skip(bytes)
            }
        default: _ = try scalar(bytes)
        }
    }

    /// Checks that only white space is left.
    mutating func finish(_ bytes: Span<UInt8>) throws(JSONError) {
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
