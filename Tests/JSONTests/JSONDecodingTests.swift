import Foundation
import JSON
import TestSupport
import Testing

@Suite struct `Decoding of JSON` {
    private func decode<Value: Decodable>(
        _ text: String, as type: Value.Type = Value.self
    ) throws -> Value {
        try JSON.decode(from: Array(text.utf8))
    }

    private func fault<Value: Decodable>(_ text: String, as type: Value.Type) -> String? {
        do {
            _ = try decode(text, as: type)
            return nil
        } catch { return (error as? DecodingError)?.oneLine ?? "\(error)" }
    }

    @Test(arguments: 0..<20) func `Values that Foundation wrote are read`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let encoder = JSONEncoder()
        for formatting: JSONEncoder.OutputFormatting in [[], .prettyPrinted] {
            let sample = JSONSample(&random)
            encoder.outputFormatting = formatting
            let data = try encoder.encode(sample)
            #expect(try JSON.decode(JSONSample.self, from: data) == sample)
        }
    }

    /// Foundation's decoder is the reference for text with one wrong byte.
    @Test(arguments: 0..<10) func `Changed text is read as Foundation reads it`(seed: UInt64) throws
    {
        var random = SplitMix(state: seed)
        let text = try JSON.encode(JSONSample(&random, depth: 1))
        let replacements = Array(#"{}[]",:\0129-+.eEtfn u"#.utf8)
        for _ in 0..<300 {
            var changed = text
            let index = Int.random(in: changed.indices, using: &random)
            guard changed[index] < 0x80 else { continue }
            changed[index] = replacements.randomElement(using: &random)!  // There are some.
            let expected = try? JSONDecoder().decode(JSONSample.self, from: Data(changed))
            let found = try? JSON.decode(JSONSample.self, from: changed)
            #expect(found == expected, "\(String(decoding: changed, as: UTF8.self))")
        }
    }

    @Test(
        arguments: [
            ("1", 1), ("-0", 0), ("1.0", 1), ("1e3", 1000), ("12.50E1", 125),
            ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("999999999999999999", 999_999_999_999_999_999),
            ("-99999999999999999", -99_999_999_999_999_999),
            ("9007199254740993.0", 9_007_199_254_740_993),
        ] as [(String, Int64)])
    func `Whole number is read however it is written`(text: String, value: Int64) throws {
        #expect(try decode(text) == value)
        #expect(try decode("[\(text)]") == [value])
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "0.5", "1e-1", "1e400",
        "99999999999999999999999999999999999999999999999999",
    ])
    func `Number that does not fit is rejected`(text: String) {
        let reason = "the number is out of range, or has a fraction where none is allowed"
        #expect(fault(text, as: Int64.self) == reason)
    }

    private struct Order: Decodable {
        struct Item: Decodable { var count: UInt8 }
        var id: String
        var items: [Item]
        var extra: JSONValue?
    }

    @Test(arguments: [
        ("[]", "expected an object, but found an array"),
        (#"{"id":"a"}"#, "it lacks 'items'"),
        (#"{"id":"a","items":[{"count":1},{}]}"#, "items[1] lacks 'count'"),
        (#"{"id":1,"items":[]}"#, "id: expected a string, but found a number"),
        (#"{"id":null,"items":[]}"#, "id: expected a string, but found null"),
        (#"{"id":"a","items":{}}"#, "items: expected an array, but found an object"),
        (
            #"{"x":[[],[1]],"id":"a","items":[{"count":2},{"a":1,"count":"2"}]}"#,
            "items[1].count: expected a number, but found a string"
        ),
        (#"{"id":"\ud800","items":[]}"#, "id: it is not Unicode"),
        (
            #"{"id":"a","items":[],"extra":[0,{"a":["\udc00"]}]}"#,
            "extra[1].a[0]: it is not Unicode"
        ),
    ])
    func `Value of the wrong kind is named with its path`(text: String, reason: String) {
        #expect(fault(text, as: Order.self) == reason)
    }

    @Test func `Of several members with the same name the first counts`() throws {
        let text = #"{"id":"a","items":[],"id":"b","extra":{"a":1,"a":2}}"#
        let order = try decode(text, as: Order.self)
        #expect(order.id == "a")
        #expect(order.extra == .object(["a": .number(1)]))
    }

    @Test func `Names may be escaped, and text may begin with a byte order mark`() throws {
        let text = "\u{FEFF}" + #" {"\u0069d":"\uD83D\uDE00\/","\u00e9":0,"items":[ ]} "#
        #expect(try decode(text, as: Order.self).id == "😀/")
    }

    @Test func `Unread members need not be Unicode`() throws {
        let text = #"{"id":"a","x":"\ud800","items":[]}"#
        #expect(try decode(text, as: Order.self).id == "a")
        #expect(throws: DecodingError.self) { try decode(text, as: JSONValue.self) }
        let bytes = Array(#"{"id":""#.utf8) + [0xFF] + Array(#"","items":[]}"#.utf8)
        #expect(throws: DecodingError.self) { try JSON.decode(Order.self, from: bytes) }
    }

    @Test func `Arrays may be nested 512 deep`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try decode(nested(512), as: JSONValue.self)
        #expect(
            fault(nested(513), as: JSONValue.self)
                == "it is not JSON at byte 513: nested deeper than 512")
    }

    /// Elements of several kinds: a number, a list or null.
    private struct Mixed: Decodable {
        var numbers: [Int] = []
        var nulls = 0
        var lists: [Int?] = []

        init(from decoder: any Decoder) throws {
            var elements = try decoder.unkeyedContainer()
            while !elements.isAtEnd {
                if try elements.decodeNil() {
                    nulls += 1
                } else if let number = try? elements.decode(Int.self) {
                    numbers.append(number)
                } else {
                    let list = try elements.nestedUnkeyedContainer()
                    lists.append(list.count)
                }
            }
        }
    }

    @Test func `Element that is not of the first type can be read as another`() throws {
        let mixed = try decode("[1, null, [1, [2, 3], {}], 2, []]", as: Mixed.self)
        #expect(mixed.numbers == [1, 2])
        #expect(mixed.nulls == 1)
        #expect(mixed.lists == [3, 0])
    }

    @Test func `Numbers of any size keep their digits`() throws {
        for text in ["9007199254740993", "0.1234567890123456789", "12345678901234567890123"] {
            let value = try decode("[\(text)]", as: JSONValue.self)
            #expect(try JSON.text(value) == "[\(text)]")
        }
        #expect(try decode("0.1", as: Decimal.self) == Decimal(string: "0.1"))
    }
}
