// Writes JSON as bytes, in one line.

import Bytes

extension [UInt8] {
    /// Appends `text` as a JSON string. It escapes only what JSON requires.
    public mutating func append(json text: String) {
        append(UInt8(ascii: "\""))
        let bytes = text.utf8Span.span
        // Appends whole stretches without an escape.
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            append(contentsOf: bytes.extracting(start..<index))
            append(escaped: byte)
            start = index + 1
        }
        append(contentsOf: bytes.extracting(start..<bytes.count))
        append(UInt8(ascii: "\""))
    }

    private mutating func append(escaped byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0..<0x20:
            append(contentsOf: "u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
        default: append(byte)
        }
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
