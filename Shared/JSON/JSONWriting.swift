// Writes JSON as bytes, in one line.

extension [UInt8] {
    /// Appends `text` as a JSON string. It escapes only what JSON requires.
    public mutating func append(json text: String) {
        append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0x00..<0x20:
                let digits = String(byte, radix: 16)
                append(contentsOf: (byte < 16 ? "\\u000" : "\\u00").utf8)
                append(contentsOf: digits.utf8)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends a member. The value is JSON.
    public mutating func append(member name: String, _ value: some Sequence<UInt8>) {
        if last != UInt8(ascii: "{") { append(UInt8(ascii: ",")) }
        append(json: name)
        append(UInt8(ascii: ":"))
        append(contentsOf: value)
    }

    /// Appends a member whose value is a string to the object that was begun with `{`.
    public mutating func append(member name: String, text: String) {
        var value: [UInt8] = []
        value.append(json: text)
        append(member: name, value)
    }
}
