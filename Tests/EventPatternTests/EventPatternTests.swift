import EventPattern
import EventSourcing
import Foundation
import JSON
import TestSupport
import Testing

@Suite struct `Event patterns` {
    @Test func `Pattern keeps its text when it is printed, encoded and decoded`() throws {
        let text = #"{ "detail-type" : ["Änderung"] }"#
        let pattern = try EventPattern(text)
        #expect(pattern.description == text)
        let coded = try JSON.data([pattern])
        #expect(try JSON.decode([EventPattern].self, from: coded) == [pattern])
        #expect(throws: EventPatternError.self) {
            try JSON.decode([EventPattern].self, from: #"["{}"]"#.utf8)
        }
    }

    @Test func `Matching random bytes does not trap`() throws {
        let pattern = try EventPattern(
            #"{"detail": {"x": [{"anything-but": {"equals-ignore-case": "é"}}, {"cidr": "::/0"}]}}"#
        )
        var random = SplitMix(state: 3)
        let valid = Array(
            #"{"x": ["é\ud83d\ude00", -1.5e3, {"y": null}, true, "::1"], "x": "\\"}"#.utf8)
        for _ in 0..<2_000 {
            var data = valid
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                data[Int.random(in: 0..<data.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            data.removeLast(Int.random(in: 0...2, using: &random))
            var bytes: [UInt8] = []
            try NewEvent(stream: try StreamName("a-1"), type: "A", data: data).encode(into: &bytes)
            _ = pattern.matches(try RecordedEvent(bytes[...]))
        }
    }

    @Test func `Pattern distinguishes canonically equivalent strings`() throws {
        let composed = try EventPattern(#"{"detail": {"x": ["é"]}}"#)
        let decomposed = try EventPattern("{\"detail\": {\"x\": [\"e\u{301}\"]}}")
        #expect(composed != decomposed)
        #expect(try Sample.x("\"é\"").isMatched(by: composed))
        #expect(try !Sample.x("\"é\"").isMatched(by: decomposed))
        let angstrom = try EventPattern(
            "{\"detail\": {\"x\": [{\"equals-ignore-case\": \"\u{212B}\"}]}}")
        #expect(try Sample.x("\"\u{212B}\"").isMatched(by: angstrom))
        #expect(try Sample.x("\"\u{E5}\"").isMatched(by: angstrom))
        #expect(try !Sample.x("\"\u{C5}\"").isMatched(by: angstrom))
    }

    @Test func `Pattern and detail may have escapes in names and values`() throws {
        let pattern = try EventPattern(#"{"d\u0065tail": {"\u00e9": ["\ud83d\ude00\n\/"]}}"#)
        #expect(try Sample(data: #"{"é": "😀\u000a/"}"#).isMatched(by: pattern))
        #expect(try Sample(data: #"{"\u00E9": "😀\n\u002f"}"#).isMatched(by: pattern))
        #expect(try !Sample(data: #"{"é": "\ud83d\n/"}"#).isMatched(by: pattern))
    }
}
