import Bytes

extension JSONScanner.Text {
    /// Appends the string that the text stands for to `output`, as UTF-8.
    ///
    /// JSON allows half of a surrogate pair. It becomes the three bytes that it would be if it were
    /// a character. UTF-8 has no such bytes, so it equals only itself.
    ///
    /// - Returns: whether there was no such half.
    @discardableResult
    public func append(to output: inout [UInt8], from bytes: Span<UInt8>) -> Bool {
        var isUnicode = true
        var at = range.lowerBound
        while at < range.upperBound {
            let byte = bytes[at]
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                at += 1
                continue
            }
            let escape = bytes[at + 1]
            at += 2
            guard escape == UInt8(ascii: "u") else {
                output.append(Self.meaning(of: escape))
                continue
            }
            var code = Self.code(bytes, at: at)
            at += 4
            if 0xD800..<0xDC00 ~= code, at + 6 <= range.upperBound,
                bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u")
            {
                let low = Self.code(bytes, at: at + 2)
                if 0xDC00..<0xE000 ~= low {
                    code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
                    at += 6
                }
            }
            isUnicode = isUnicode && !(0xD800..<0xE000 ~= code)
            Self.append(code, to: &output)
        }
        return isUnicode
    }

    private static func meaning(of escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    /// Returns the value of four hexadecimal digits, which the scanner has checked.
    static func code(_ bytes: Span<UInt8>, at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 4 | UInt32(Hex.value(bytes[at + $1]) ?? 0) }
    }

    private static func append(_ code: UInt32, to output: inout [UInt8]) {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | code >> shift & 0x3F) }
        switch code {
        case ..<0x80: output.append(UInt8(code))
        case ..<0x800: output += [UInt8(0xC0 | code >> 6), tail(0)]
        case ..<0x10000: output += [UInt8(0xE0 | code >> 12), tail(6), tail(0)]
        default: output += [UInt8(0xF0 | code >> 18), tail(12), tail(6), tail(0)]
        }
    }
}
