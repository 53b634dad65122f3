/// Checks every byte of JSON text (RFC 8259) without building a tree.
///
/// So numbers, strings, the order of members and the space between them stay as they are written.
struct JSONScanner {
    /// The deepest nesting of arrays and objects. Other readers have limits not far above it.
    static let depth = 128

    private let bytes: ArraySlice<UInt8>
    private var at: Int

    init(_ text: ArraySlice<UInt8>) {
        bytes = text
        at = text.startIndex
    }

    /// Returns whether `text` is one JSON value, without space around it and without line breaks.
    ///
    /// Such a text can be part of a line unchanged.
    static func isOneLine(_ text: ArraySlice<UInt8>) -> Bool {
        guard !text.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }),
            String(validating: text, as: UTF8.self) != nil
        else { return false }
        var scanner = JSONScanner(text)
        return (try? scanner.value()) != nil && scanner.at == text.endIndex
    }

    /// Returns the members of the object in `text`, in their order: decoded names and unchanged
    /// values.
    ///
    /// - Throws: `JSONError` if the text is not a JSON object.
    static func members(
        of text: ArraySlice<UInt8>
    ) throws(JSONError) -> [(name: String, value: ArraySlice<UInt8>)] {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw JSONError("it is not UTF-8")
        }
        var scanner = JSONScanner(text)
        var members: [(String, ArraySlice<UInt8>)] = []
        scanner.skipSpace()
        guard scanner.peek == UInt8(ascii: "{") else {
            throw JSONError("it is not a JSON object")
        }
        try scanner.members { (scanner, name) throws(JSONError) in
            let start = scanner.at
            try scanner.value()
            members.append((String(decoding: name, as: UTF8.self), text[start..<scanner.at]))
        }
        scanner.skipSpace()
        guard scanner.peek == nil else { throw scanner.expected("the end") }
        return members
    }

    /// Returns the text of the string in `value`, or nil if it is not a string.
    static func text(of value: ArraySlice<UInt8>) -> String? {
        guard value.first == UInt8(ascii: "\"") else { return nil }
        var scanner = JSONScanner(value)
        return (try? scanner.string()).map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Values

    /// Skips a value.
    private mutating func value(_ depth: Int = 0) throws(JSONError) {
        guard depth < Self.depth else { throw expected("at most \(Self.depth) levels") }
        switch peek {
        case UInt8(ascii: "{"):
            try members { (scanner, _) throws(JSONError) in try scanner.value(depth + 1) }
        case UInt8(ascii: "["): try elements(depth)
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    /// Skips an object, and calls `body` to skip each value.
    private mutating func members(
        _ body: (inout JSONScanner, [UInt8]) throws(JSONError) -> Void
    ) throws(JSONError) {
        at += 1
        skipSpace()
        guard !take("}") else { return }
        repeat {
            skipSpace()
            let name = try string()
            skipSpace()
            try require(":")
            skipSpace()
            try body(&self, name)
            skipSpace()
        } while take(",")
        try require("}")
    }

    private mutating func elements(_ depth: Int) throws(JSONError) {
        at += 1
        skipSpace()
        guard !take("]") else { return }
        repeat {
            skipSpace()
            try value(depth + 1)
            skipSpace()
        } while take(",")
        try require("]")
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for byte in word.description.utf8 {
            guard peek == byte else { throw expected(word.description) }
            at += 1
        }
    }

    private mutating func number() throws(JSONError) {
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        guard at > start else { throw expected("a value or a digit") }
    }

    // MARK: Strings

    /// Skips a string and returns its text.
    private mutating func string() throws(JSONError) -> [UInt8] {
        try require("\"")
        var text: [UInt8] = []
        while true {
            let start = at
            while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""),
                byte != UInt8(ascii: "\\")
            { at += 1 }
            text += bytes[start..<at]
            if take("\"") { return text }
            guard take("\\") else { throw expected("the end of the string") }
            try escape(into: &text)
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        if let byte = peek.flatMap(Self.escaped) {
            at += 1
            text.append(byte)
            return
        }
        try require("u")
        var code = try hexadecimal()
        if UTF16.isLeadSurrogate(UInt16(code)) {
            guard take("\\"), take("u") else { throw expected("the second half of a surrogate") }
            let trail = try hexadecimal()
            guard UTF16.isTrailSurrogate(UInt16(trail)) else {
                throw expected("the second half of a surrogate")
            }
            code = 0x10000 + (code - 0xD800) << 10 + trail - 0xDC00
        }
        guard let scalar = Unicode.Scalar(code) else { throw expected("a whole surrogate") }
        text += Array(String(Character(scalar)).utf8)
    }

    /// Returns the byte that a backslash and this byte stand for, or nil.
    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw expected("four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }

    // MARK: Bytes

    private var peek: UInt8? { at < bytes.endIndex ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            at += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func require(_ character: Unicode.Scalar) throws(JSONError) {
        guard take(character) else { throw expected("'\(character)'") }
    }

    private func expected(_ what: String) -> JSONError {
        JSONError("it is not JSON at byte \(at - bytes.startIndex + 1): expected \(what)")
    }
}

/// Why a text is not valid JSON.
struct JSONError: Error, Hashable {
    let description: String
    init(_ description: String) { self.description = description }
}
