import EventPattern
import Testing

@Suite struct Wildcards {
    @Test func `Wildcard with the most stars matches a text of 100,000 bytes`() throws {
        let stars = String(repeating: "*a", count: PatternLimits.stars - 1) + "*b"
        let pattern = try EventPattern(#"{"detail": {"x": [{"wildcard": "\#(stars)"}]}}"#)
        let text = String(repeating: "a", count: 100_000)
        #expect(try !Sample.x("\"\(text)\"").isMatched(by: pattern))
        #expect(try Sample.x("\"\(text)b\"").isMatched(by: pattern))
    }
}
