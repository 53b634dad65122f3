import Foundation
import JSON
import TestSupport
import Testing

@Suite struct `Encoding of JSON` {
    /// Foundation's encoder is the reference, because earlier versions wrote with it: a digest of
    /// JSON must stay the same.
    @Test(arguments: 0..<40) func `Values are written as Foundation writes them`(
        seed: UInt64
    ) throws {
        var random = SplitMix(state: seed)
        let sample = JSONSample(&random)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let expected = String(decoding: try encoder.encode(sample), as: UTF8.self)
        #expect(try JSON.text(sample) == expected)
    }

    @Test(arguments: [1, 0, -0.5, 1e300, 1e-7, 123_456_789_012_345_680, 2.5e-308])
    func `Double is written as Foundation writes it`(number: Double) throws {
        #expect(
            try JSON.text(number) == String(decoding: JSONEncoder().encode(number), as: UTF8.self))
    }

    @Test(arguments: [Double.nan, .infinity]) func `Number without a text is rejected`(
        number: Double
    ) {
        let error = #expect(throws: EncodingError.self) { try JSON.encode(["a": [0, number]]) }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["a", "1"])
    }

    @Test func `Pretty JSON has a line for each member`() throws {
        let value = JSONValue.object([
            "b": .array([.number(1), .null]), "a": .object([:]), "c": .array([]),
        ])
        let text = String(decoding: try JSON.pretty(value), as: UTF8.self)
        #expect(
            text == """
                {
                  "a": {},
                  "b": [
                    1,
                    null
                  ],
                  "c": []
                }
                """)
    }

    /// Fills its containers in turns, which Codable allows.
    private struct Turns: Encodable {
        enum Keys: CodingKey { case first, second, third }

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: Keys.self)
            var second = members.nestedUnkeyedContainer(forKey: .second)
            var first = members.nestedContainer(keyedBy: Keys.self, forKey: .first)
            try second.encode(1)
            try first.encode("a", forKey: .second)
            try second.encodeNil()
            try first.encode(true, forKey: .first)
            try members.encode(1, forKey: .third)
            try members.encode(2.5, forKey: .third)
            try [String]().encode(to: members.superEncoder())
            #expect(second.count == 2)
        }
    }

    @Test func `Containers may be filled in turns, and the last value of a name counts`() throws {
        let members = [
            #""first":{"first":true,"second":"a"}"#, #""second":[1,null]"#, #""super":[]"#,
            #""third":2.5"#,
        ]
        #expect(try JSON.text(Turns()) == "{\(members.joined(separator: ","))}")
    }

    private struct Nothing: Encodable {
        func encode(to encoder: any Encoder) {}
    }

    @Test func `Value that writes nothing is an empty object`() throws {
        #expect(try JSON.text(["a": Nothing()]) == #"{"a":{}}"#)
    }
}
