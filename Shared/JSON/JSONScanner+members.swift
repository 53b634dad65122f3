extension JSONScanner {
    /// How deep arrays and objects may be nested. The limits of other readers are not far above.
    public static let depth = 128

    /// Returns whether `text` is a single JSON value with nothing around it and no line break in
    /// it, so that it can be part of a line.
    public static func isOneLine(_ text: ArraySlice<UInt8>) -> Bool {
        guard !text.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }),
            String(validating: text, as: UTF8.self) != nil,
            let first = text.first, first != UInt8(ascii: " "), first != UInt8(ascii: "\t")
        else { return false }
        var scanner = JSONScanner(0..<text.count, maximumDepth: depth, isStrict: true)
        return (try? scanner.skip(text.span)) != nil && scanner.at == scanner.end
    }

    /// Checks that `text` is one JSON value. Whether its strings are UTF-8 is not checked.
    public static func check(_ text: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(0..<text.count, maximumDepth: depth, isStrict: true)
        try scanner.skip(text.span)
        try scanner.finish(text.span)
    }

    /// Returns the members of the object in their order: decoded names and values as written.
    ///
    /// - Throws: `JSONError` if the text is not one JSON object in UTF-8.
    public static func members(
        of text: ArraySlice<UInt8>
    ) throws(JSONError) -> [(name: String, value: ArraySlice<UInt8>)] {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw JSONError(offset: 0, reason: "it is not UTF-8")
        }
        let bytes = text.span
        var scanner = JSONScanner(0..<text.count, maximumDepth: depth, isStrict: true)
        guard scanner.peek(bytes) == UInt8(ascii: "{") else {
            throw scanner.error("expected a JSON object")
        }
        try scanner.open()
        var members: [(String, ArraySlice<UInt8>)] = []
        while try scanner.hasNext(bytes, until: UInt8(ascii: "}")) {
            var name: [UInt8] = []
            try scanner.key(bytes).append(to: &name, from: bytes)
            _ = scanner.peek(bytes)
            let start = text.startIndex + scanner.at
            try scanner.skip(bytes)
            let value = text[start..<text.startIndex + scanner.at]
            members.append((String(decoding: name, as: UTF8.self), value))
        }
        try scanner.finish(bytes)
        return members
    }

    /// Returns the text of the string that `value` is, or nil if it is not a string.
    public static func text(of value: ArraySlice<UInt8>) -> String? {
        guard value.first == UInt8(ascii: "\"") else { return nil }
        var scanner = JSONScanner(0..<value.count, maximumDepth: depth, isStrict: true)
        guard let string = try? scanner.string(value.span) else { return nil }
        var text: [UInt8] = []
        string.append(to: &text, from: value.span)
        return String(decoding: text, as: UTF8.self)
    }
}
