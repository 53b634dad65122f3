/// Tags as one attribute, because CloudEvents has no lists.
///
/// They are separated by commas. In each, `%`, `,` and control characters are percent-encoded.
enum TagList {
    static func text(_ tags: [String]) -> String { tags.map(encoded).joined(separator: ",") }

    /// Returns the tags in `text`, or nil if the encoding or its UTF-8 is invalid.
    static func tags(in text: String) -> [String]? {
        var tags: [String] = []
        let comma = UInt8(ascii: ",")
        for part in text.utf8.split(separator: comma, omittingEmptySubsequences: false) {
            guard let tag = decoded(part) else { return nil }
            tags.append(tag)
        }
        return tags
    }

    private static func encoded(_ tag: String) -> String {
        tag.unicodeScalars.reduce(into: "") { text, scalar in
            guard scalar == "%" || scalar == "," || scalar.isControl else {
                return text.unicodeScalars.append(scalar)
            }
            for byte in String(scalar).utf8 {
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
    }

    private static func decoded(_ part: Substring.UTF8View) -> String? {
        var (rest, bytes): (Substring.UTF8View, [UInt8]) = (part, [])
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = digit(&rest), let low = digit(&rest) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ rest: inout Substring.UTF8View) -> UInt8? {
        rest.popFirst().flatMap { Character(Unicode.Scalar($0)).hexDigitValue }.map { UInt8($0) }
    }
}

extension Unicode.Scalar {
    /// Whether the character is a control character, which CloudEvents forbids in attributes.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
