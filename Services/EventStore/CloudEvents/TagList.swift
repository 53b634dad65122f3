import Bytes

/// Tags as one attribute, because CloudEvents has no lists.
///
/// They are separated by commas. In each, `%`, `,` and control characters are percent-encoded.
enum TagList {
    static func text(_ tags: [String]) -> String { tags.map(encoded).joined(separator: ",") }

    /// Returns the tags in `text`, or nil if the encoding or its UTF-8 is invalid.
    static func tags(in text: String) -> [String]? {
        let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let tags = parts.compactMap { part in
            [UInt8](percentDecoding: part).flatMap { String(validating: $0, as: UTF8.self) }
        }
        return tags.count == parts.count ? tags : nil
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
}

extension Unicode.Scalar {
    /// Whether the character is a control character, which CloudEvents forbids in attributes.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
