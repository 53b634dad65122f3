import Bytes
import JSON

/// The original time of an imported event, which stands in its metadata.
///
/// The record's head has no room for a second time. So the metadata of history begins with a
/// member of fixed size, `{"originalTime":"2026-01-31T12:00:00.000000Z"`. The members of the
/// original metadata follow. Metadata that is not an object with members follows as hexadecimal
/// digits, in the member `originalMetadata`. The mark counts only if the store has set the flag
/// `history`.
public enum HistoryMark {
    private static let start = Array(#"{"originalTime":""#.utf8)
    /// The length of a time in RFC 3339 with six decimals.
    private static let timeLength = 27
    private static let length = start.count + timeLength + 1
    private static let other = "originalMetadata"

    /// Returns `original` with the mark.
    static func metadata(_ original: [UInt8], of time: Timestamp) -> [UInt8] {
        var marked = Array("{".utf8)
        marked.append(member: "originalTime", text: time.description)
        guard !original.isEmpty else { return marked + [UInt8(ascii: "}")] }
        if original.first == UInt8(ascii: "{"), let first = firstMember(of: original),
            first != other
        {
            return marked + [UInt8(ascii: ",")] + original.dropFirst()
        }
        marked.append(member: other, text: digits(of: original))
        return marked + [UInt8(ascii: "}")]
    }

    /// Returns the time in the mark, or nil if the metadata has no valid mark.
    public static func time(in metadata: ArraySlice<UInt8>) -> Timestamp? {
        guard metadata.starts(with: start), metadata.count > length else { return nil }
        let text = metadata.dropFirst(start.count).prefix(timeLength + 1)
        guard text.last == UInt8(ascii: "\"") else { return nil }
        return Timestamp(String(decoding: text.dropLast(), as: UTF8.self))
    }

    /// Returns the metadata without the mark, or nil if it has no valid mark.
    static func original(of metadata: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard time(in: metadata) != nil else { return nil }
        let rest = metadata.dropFirst(length)
        if rest.elementsEqual("}".utf8) { return [] }
        guard rest.first == UInt8(ascii: ",") else { return nil }
        let object = [UInt8(ascii: "{")] + rest.dropFirst()
        guard firstMember(of: object) == other else { return object[...] }
        guard let member = try? JSONScanner.members(of: object[...]).first,
            let text = JSONScanner.text(of: member.value)
        else { return nil }
        return bytes(ofDigits: text)
    }

    private static func digits(of bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
    }

    /// Returns the bytes of two digits each, or nil if the text is something else.
    private static func bytes(ofDigits text: String) -> ArraySlice<UInt8>? {
        let values = text.utf8.compactMap(Hex.value)
        guard values.count == text.utf8.count, values.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: values.count, by: 2)
            .map { values[$0] << 4 | values[$0 + 1] }[...]
    }

    /// Returns the name of the object's first member, or nil if it is not an object with members.
    private static func firstMember(of object: [UInt8]) -> String? {
        (try? JSONScanner.members(of: object[...]))?.first?.name
    }
}
