import EventPattern
import Testing

@Suite struct `Detail and metadata of events` {
    @Test(arguments: [
        ("application/json", true), ("APPLICATION/JSON ; charset=utf-8", true), ("", true),
        ("application/cloudevents+json", true), ("text/plain", false), ("application/jsonl", false),
    ])
    func `Pattern matches detail only if its content type is JSON`(
        contentType: String, isMatch: Bool
    ) throws {
        var sample = Sample.x("1")
        sample.contentType = contentType
        #expect(try sample.isMatched(by: EventPattern(#"{"detail": {"x": [1]}}"#)) == isMatch)
    }

    @Test func `Pattern matches detail that is not an object`() throws {
        let pattern = try EventPattern(#"{"detail": [1, "a"]}"#)
        #expect(try Sample(data: " 1 ").isMatched(by: pattern))
        #expect(try Sample(data: #"["b", "a"]"#).isMatched(by: pattern))
        #expect(try !Sample(data: #"{"a": 1}"#).isMatched(by: pattern))
    }

    @Test(arguments: [
        "", " ", "{", #"{"x": 1"#, #"{"x": 1}}"#, #"{"x": 1} 2"#, #"{"x": 1,}"#, #"{"x": 1, "y"}"#,
        #"{"x": 1, "y": tru}"#, #"{"x": 1, "y": 01}"#, #"{"x": 1, "y": "\q"}"#,
        #"{"x": 1, "y": "\u12"}"#,
        "{\"x\": 1, \"y\": \"\u{1}\"}", #"{"x": 1, "y": "abcdefghijklmnop}"#,
        #"{"x": 1, "y": [1}}"#,
        #"{"x": 1, "y": 1.}"#, #"{"x": 1, "y": -}"#, #"{"x": 1, "y": 1e}"#, #"{"x": 1 "y": 2}"#,
        #"{"x": 1, 'y': 2}"#, #"{"x": 1, "y": \#(String(repeating: "[", count: 300))1"#,
        #"{"x": 1, "y": \#(String(repeating: "[", count: 300))"#
            + String(repeating: "]", count: 300) + "}",
    ])
    func `Malformed detail or metadata counts as missing`(data: String) throws {
        let sample = Sample(metadata: data, data: data)
        #expect(try !sample.isMatched(by: EventPattern(#"{"detail": {"x": [1]}}"#)))
        let absent =
            #"{"detail": {"x": [{"exists": false}]}, "metadata": {"x": [{"exists": false}]}}"#
        #expect(try sample.isMatched(by: EventPattern(absent)))
        var intact = Sample.x("1")
        intact.metadata = data
        let both = #"{"detail": {"x": [1]}, "metadata": {"x": [{"exists": false}]}}"#
        #expect(try intact.isMatched(by: EventPattern(both)))
    }

    @Test func `Pattern matches detail up to the depth limit of events`() throws {
        let pattern = try EventPattern(#"{"detail": {"x": [1]}}"#)
        // The object around the arrays is one more level.
        let depth = PatternLimits.eventDepth - 1
        func nested(_ depth: Int) -> Sample {
            .x(String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth))
        }
        #expect(try nested(depth).isMatched(by: pattern))
        #expect(try !nested(depth + 1).isMatched(by: pattern))
    }

    @Test func `Control character anywhere in a string makes the detail malformed`() throws {
        let pattern = try EventPattern(#"{"detail": {"x": [{"exists": true}]}}"#)
        for length in [1, 7, 8, 9, 30] {
            for at in 0..<length {
                for byte: UInt8 in [0x00, 0x01, 0x1F, 0x0A, 0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F] {
                    var text = Array(repeating: UInt8(ascii: "\u{7F}"), count: length)
                    text[at] = byte
                    let data = Array(#"{"x": ""#.utf8) + text + Array(#""}"#.utf8)
                    let sample = Sample(data: String(decoding: data, as: UTF8.self))
                    #expect(try sample.isMatched(by: pattern) == (byte >= 0x20))
                }
            }
        }
    }
}
