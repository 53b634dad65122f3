import EventPattern
import EventSourcing
import Foundation
import JSON
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

    @Test(arguments: [
        (#"{"version": ["0"]}"#, true), (#"{"account": [""], "region": [""]}"#, true),
        (#"{"id": ["00000000-0000-0001-0000-000000000002"]}"#, true),
        (#"{"source": ["daybook.order"]}"#, true), (#"{"source": ["order"]}"#, false),
        (#"{"time": ["2026-01-31T12:00:00.000000Z"]}"#, true),
        (#"{"time": [{"prefix": "2026-01-31"}]}"#, true),
        (#"{"resources": ["order-7"], "stream": ["order-7"], "category": ["order"]}"#, true),
        (#"{"position": [1], "revision": [7]}"#, true),
        (#"{"position": [{"numeric": [">", 1]}]}"#, false), (#"{"position": ["1"]}"#, false),
        (#"{"correlation-id": ["00000000-0000-0003-0000-000000000004"]}"#, true),
        (#"{"causation-id": [{"exists": false}]}"#, true),
        (#"{"metadata": {"a": [{"exists": false}]}}"#, true),
        (#"{"replay-name": [{"exists": true}]}"#, false),
        (#"{"unknown": [{"exists": true}]}"#, false),
        (#"{"version.x": [{"exists": false}]}"#, true), (#"{"detail.x": [1]}"#, true),
        (#"{"detail": [{"exists": false}]}"#, true),
    ])
    func `Pattern matches the fields of the envelope`(text: String, isMatch: Bool) throws {
        #expect(try Sample.x("1").isMatched(by: EventPattern(text)) == isMatch)
    }

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
        let depth = EventPattern.Limits.eventDepth - 1
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

    @Test(arguments: [
        ("0.1", "1e-1", true), ("0.1", "0.10000000000000000001", false), ("0", "-0.0", true),
        ("0", "0e999", true), ("1e22", "10000000000000000000000", true),
        ("1e23", "100000000000000000000000", true), ("1e23", "1e23", true),
        ("1e300", "10e299", true), ("6.02214076e23", "602214076000000000000000", true),
        ("9007199254740993", "9007199254740992", false),
        ("9007199254740993", "9007199254740993", true),
        ("9007199254740991", "9007199254740991.0", true),
        ("1152921504606847000", "1152921504606847e3", true),
        ("1152921504606847000", "1152921504606846976", false),
        ("1152921504606846976", "1152921504606846976", true),
        ("1152921504606846976", "1152921504606846976.0", false),
        ("1152921504606846976", "1152921504606846977", false),
        (
            "123456789012345678901234567890123456789012345",
            "123456789012345678901234567890123456789012345", true
        ),
        ("1e999", "1e999", true), ("1e999", "1e998", false), ("5e-324", "5e-324", true),
        ("5e-324", "4e-324", false), ("0.30000000000000004", "3.0000000000000004e-1", true),
        ("1200", "12E+2", true), ("-2.50", "-25e-1", true),
        ("1.7976931348623157e308", "17976931348623157e292", true),
    ])
    func `Numbers match only if their values are equal`(a: String, b: String, isSame: Bool) throws {
        let pattern = try EventPattern(#"{"detail": {"x": [\#(a)]}}"#)
        let event = try Sample.x(b).event()
        #expect(pattern.matches(event) == isSame)
        var matcher = PatternMatcher<Int>()
        matcher.add(1, pattern)
        #expect(matcher.matches(event) == (isSame ? [1] : []))
    }

    @Test(arguments: [
        (">", "1", "6.02214076e23", true), (">", "1", "1e300", true), ("<", "1e300", "1e299", true),
        (">", "1e300", "1.1e300", true), ("<=", "-1e300", "-1e301", true),
        (">", "1", "9007199254740993", false), (">", "1", "9007199254740992", true),
        (">", "1", "1e309", false), (">", "0", "5e-324", true), ("<", "1", "1e-400", false),
    ])
    func `Numeric range matches only numbers that a double can print`(
        comparison: String, bound: String, number: String, isMatch: Bool
    ) throws {
        let pattern = try EventPattern(
            #"{"detail": {"x": [{"numeric": ["\#(comparison)", \#(bound)]}]}}"#)
        #expect(try Sample.x(number).isMatched(by: pattern) == isMatch)
    }

    @Test(arguments: [
        ("64:ff9b::192.0.2.33/96", "64:ff9b::c000:221", true),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33", true),
        ("64:ff9b::192.0.2.33/127", "64:ff9b::192.0.2.34", false),
        ("::ffff:0:0/96", "::FFFF:129.144.52.38", true), ("::/8", "0:0:0:0:0:0:13.1.68.3", true),
        ("::/8", "::13.1.68.3", true), ("::/8", "::13.1.68", false),
        ("::/8", "::13.1.68.3:1", false), ("::/8", "0:0:0:0:0:0:0:13.1.68.3", false),
        ("::/8", "0:0:0:0:0:13.1.68.3", false), ("::/8", "::13.1.68.256", false),
        ("::/8", "1:2:3:4:5:6:7::13.1.68.3", false), ("::/8", "13.1.68.3::", false),
        ("::/8", "13.1.68.3", false), ("10.0.0.0/8", "::10.0.0.1", false),
    ])
    func `IPv6 address may end with an IPv4 address`(
        block: String, address: String, isMatch: Bool
    ) throws {
        let pattern = try EventPattern(#"{"detail": {"x": [{"cidr": "\#(block)"}]}}"#)
        #expect(try Sample.x("\"\(address)\"").isMatched(by: pattern) == isMatch)
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
