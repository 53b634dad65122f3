import Testing

@testable import EventPattern

@Suite struct `Sets of byte strings` {
    @Test func `Strings are numbered in the order in which they were added`() {
        var set = ByteSet()
        for (number, text) in ["b", "", "ab", "12345678", "123456789"].enumerated() {
            #expect(set.insert(Array(text.utf8)) == number)
        }
        #expect(set.insert(Array("ab".utf8)) == 2)
        #expect(set.count == 5)
        #expect(set.strings.map { String(decoding: $0, as: UTF8.self) }.first == "b")
    }

    @Test func `Each of many strings is found, and no part of one`() {
        let strings = (0..<1000).map { Array("string \($0)".utf8) }
        let set = ByteSet(strings)
        for (number, string) in strings.enumerated() {
            #expect(set.index(of: string.span) == number)
            let longer = string + [0]
            #expect(set.index(of: longer.span) == nil)
        }
        let part = Array("string ".utf8)
        #expect(set.index(of: part.span) == nil)
    }

    @Test func `Same bytes in two scopes are two strings`() {
        var set = ByteSet()
        let text = Array("a".utf8)
        #expect(set.insert(text, scope: 1) == 0)
        #expect(set.insert(text, scope: 2) == 1)
        #expect(set.index(of: text.span, scope: 1) == 0)
        #expect(set.index(of: text.span, scope: 2) == 1)
        #expect(set.index(of: text.span) == nil)
    }

    @Test(arguments: [
        ("123456789012", "1234567890"), ("12345678", "12345678"), ("1234", "12345"), ("1", ""),
    ])
    func `Bytes equal only the same bytes`(text: String, other: String) {
        let (text, other) = (Array(text.utf8), Array(other.utf8))
        #expect(text.span.elementsEqual(other) == (text == other))
        #expect(text.span.elementsEqual(text) == true)
    }
}
