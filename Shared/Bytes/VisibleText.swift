extension Unicode.Scalar {
    /// Whether the character controls a terminal or the direction of text: a C0 or C1 control, DEL,
    /// a line or paragraph separator, or a bidirectional mark, override or isolate.
    ///
    /// Text of others may hold such characters to forge what a reader sees, as "Trojan Source"
    /// (CVE-2021-42574) does.
    var isInvisibleControl: Bool {
        switch value {
        case 0x00..<0x20, 0x7F..<0xA0, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
            true
        default: false
        }
    }

    /// The visible escape of the character, such as `\n` or `\u{1B}`.
    fileprivate var visibleEscape: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(value, radix: 16, uppercase: true))}"
        }
    }
}

extension StringProtocol {
    /// Whether no character of the text controls a terminal or the direction of text.
    public var isVisible: Bool {
        // Most text is printable ASCII, for which the bytes decide.
        utf8.allSatisfy { (0x20..<0x7F).contains($0) }
            || !unicodeScalars.contains(where: \.isInvisibleControl)
    }

    /// The text on one line, with visible escapes such as `\n` and `\u{1B}` in place of the
    /// characters that control a terminal or the direction of text.
    public var visible: String {
        guard !isVisible else { return String(self) }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isInvisibleControl {
                text += scalar.visibleEscape
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Collection<UInt8> {
    /// The JSON with `\u` escapes in place of the characters that control a terminal or the
    /// direction of text. Its values stay the same.
    ///
    /// The bytes must be JSON. Line breaks between its tokens stay as they are.
    public var visibleJSON: [UInt8] {
        // JSON has controls below 0x20 only between its tokens, and the others only in strings.
        guard contains(where: { $0 >= 0x7F }) else { return Array(self) }
        var json: [UInt8] = []
        json.reserveCapacity(count + 16)
        for scalar in String(decoding: self, as: UTF8.self).unicodeScalars {
            if scalar.value >= 0x7F, scalar.isInvisibleControl {
                let digits = String(scalar.value, radix: 16)
                json.append(
                    contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))".utf8)
                json.append(contentsOf: digits.utf8)
            } else {
                json.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        return json
    }
}
