import Bytes

extension JSONScanner {
    /// Reads the string that begins with the next byte.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> Text {
        let start = at + 1
        var isEscaped = false
        at = start
        while true {
            at = endOfPlain(bytes, at)
            guard at < end else { throw error("the string is not closed") }
            switch bytes[at] {
            case UInt8(ascii: "\""):
                defer { at += 1 }
                return Text(range: start..<at, isEscaped: isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                try skipEscape(bytes)
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default: at += 1
            }
        }
    }

    /// Returns the index of the next quote, backslash or control character from `start` on.
    ///
    /// It checks eight bytes per step. Within eight bytes of the end it may stop earlier.
    @inline(__always) private func endOfPlain(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = start
        while at + 8 <= end {
            let word = bytes.uint64(at: at)
            let quote = word ^ 0x2222_2222_2222_2222
            let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
            // Sets the high bit of each byte that is zero or less than 0x20. It may set the bit of
            // a byte above one of those, but the lowest bit is exact.
            let marks =
                ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
                | ((word &- 0x2020_2020_2020_2020) & ~word)
            let found = marks & 0x8080_8080_8080_8080
            guard found == 0 else { return at + found.trailingZeroBitCount / 8 }
            at += 8
        }
        return at
    }

    private mutating func skipEscape(_ bytes: Span<UInt8>) throws(JSONError) {
        guard at + 1 < end else { throw error("the string is not closed") }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            guard at + 6 <= end, (2..<6).allSatisfy({ Hex.value(bytes[at + $0]) != nil }) else {
                throw error("\\u takes four hexadecimal digits")
            }
            at += 6
            if isStrict { try checkSurrogate(bytes) }
        default: throw error("unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
        }
    }

    /// Checks that the escape that ends here is a character, or the first half of a pair. Skips the
    /// second half.
    private mutating func checkSurrogate(_ bytes: Span<UInt8>) throws(JSONError) {
        let code = Text.code(bytes, at: at - 4)
        guard 0xD800..<0xE000 ~= code else { return }
        guard code < 0xDC00, at + 6 <= end, bytes[at] == UInt8(ascii: "\\"),
            bytes[at + 1] == UInt8(ascii: "u"),
            (2..<6).allSatisfy({ Hex.value(bytes[at + $0]) != nil }),
            0xDC00..<0xE000 ~= Text.code(bytes, at: at + 2)
        else { throw error("half of a surrogate pair is not a character") }
        at += 6
    }

    /// Reads the number that begins with the next byte.
    mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> Range<Int> {
        let start = at
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < end, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits(bytes) }
        if at < end, bytes[at] == UInt8(ascii: ".") {
            at += 1
            try digits(bytes)
        }
        if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < end, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") {
                at += 1
            }
            try digits(bytes)
        }
        return start..<at
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        while at < end, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[at] { at += 1 }
        guard at > start else { throw error("expected a digit") }
    }
}
