import JSON
import Testing

@Suite struct `JSON scanner` {
    /// Reads the text as a single value.
    private func check(
        _ text: String, depth: Int = 8, isStrict: Bool = false
    ) throws(JSONError) {
        let bytes = Array(text.utf8)
        var scanner = JSONScanner(0..<bytes.count, maximumDepth: depth, isStrict: isStrict)
        try scanner.skip(bytes.span)
        try scanner.finish(bytes.span)
    }

    @Test(arguments: [
        "null", " true\n", "false", "-0", "1.5e-3", "0E+7", #""a\u00e9\n\/""#, #""12345678\"""#,
        "[]",
        #"[1, {"a": [{}]}]"#, #"{"a": 1, "a": 2}"#,
    ])
    func `Valid JSON is read to its end`(text: String) {
        #expect(throws: Never.self) { try check(text) }
    }

    @Test(arguments: [
        ("", 0), ("tru", 0), ("01", 1), ("1.", 2), ("-", 1), ("1e", 2), ("1 2", 2), ("[1 2]", 3),
        ("[1,]", 3), (#"{"a" 1}"#, 5), ("{a: 1}", 1), (#"{"a": 1"#, 7), (#""a"#, 2), (#""\q""#, 1),
        (#""\u12""#, 1), ("\"12345678\u{1F}\"", 9),
    ])
    func `Error names the offset of the first wrong byte`(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try check(text) }
        #expect(error?.offset == offset)
    }

    @Test func `Arrays and objects are read up to the maximum depth`() {
        let text = #"[{"a": []}]"#
        #expect(throws: Never.self) { try check(text, depth: 3) }
        let error = #expect(throws: JSONError.self) { try check(text, depth: 2) }
        #expect(error?.reason == "nested deeper than 2")
        #expect(error?.offset == 7)
    }

    @Test func `Only a strict scanner rejects half of a surrogate pair`() {
        for half in [#""\ud83d""#, #""\ude00""#, #""\ud83d\u0041""#] {
            #expect(throws: Never.self) { try check(half) }
            #expect(throws: JSONError.self) { try check(half, isStrict: true) }
        }
        #expect(throws: Never.self) { try check(#""\ud83d\ude00""#, isStrict: true) }
    }

    @Test func `Members of an object keep their order and the bytes of their values`() throws {
        let text = Array(#" {"b": [1,  2], "\u0061" : "\n", "b":null} "#.utf8)
        let members = try JSONScanner.members(of: text[...])
        #expect(members.map(\.name) == ["b", "a", "b"])
        let values = members.map { String(decoding: $0.value, as: UTF8.self) }
        #expect(values == ["[1,  2]", #""\n""#, "null"])
    }

    @Test(arguments: ["", "[1]", "{} {}", #"{"a":}"#, #"{"a": 1,}"#])
    func `Text that is not one object has no members`(text: String) {
        #expect(throws: JSONError.self) { try JSONScanner.members(of: Array(text.utf8)[...]) }
        let notUTF8: [UInt8] = [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
        #expect(throws: JSONError.self) { try JSONScanner.members(of: notUTF8[...]) }
    }

    @Test func `Text of a string has its escapes replaced`() {
        func text(_ value: String) -> String? { JSONScanner.text(of: Array(value.utf8)[...]) }
        #expect(text(#""a\u00e9\ud83d\ude00\n\\""#) == "aé😀\n\\")
        #expect(text("1") == nil && text(#""a"#) == nil && text("") == nil)
    }

    @Test(arguments: [
        (#"{"a": [1, "b"]}"#, true), ("1", true), ("", false), (" 1", false), ("1 ", false),
        ("1 2", false), ("[1,\n2]", false), ("[1,\r2]", false), (#""\ud83d""#, false), ("{", false),
    ])
    func `Line holds a single value with nothing around it`(text: String, isOneLine: Bool) {
        #expect(JSONScanner.isOneLine(Array(text.utf8)[...]) == isOneLine)
    }
}
