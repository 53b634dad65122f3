import CloudEvents
import EventSourcing
import Foundation
import TestSupport
import Testing

/// The log that the events of these tests come from.
let log = EventID(high: 0x1111_2222_3333_4444, low: 0x5555_6666_7777_8888)

extension NewEvent {
    /// The event as a record.
    func recorded() throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    static func sample(
        tags: [String] = [], contentType: String = "application/json", metadata: [UInt8] = [],
        data: [UInt8] = Array(#"{"amount":1177}"#.utf8)
    ) throws -> NewEvent {
        NewEvent(
            id: EventID(high: 1, low: 2), stream: try StreamName("account-7"),
            type: "MoneyCredited", tags: tags, correlationID: EventID(high: 3, low: 4),
            causationID: EventID(high: 5, low: 6), contentType: contentType, metadata: metadata,
            data: data)
    }
}

@Suite(.mayBlock) struct `CloudEvents lines` {
    static let texts: [String] = [
        #"{"a":1}"#, #"{ "b" : 1.0, "a":1e3 , "a": -0.0E+7}"#, "12345678901234567890123456789",
        #"{"a":1,"a":2}"#, "null", "true", #""text""#, "[ ]", "{\t}", "0", "-1", #""\ud83d\ude00""#,
        // Texts that cannot be part of a line as they are, or are not JSON.
        " 1", "1 ", "{\n}", "{\r\n}", #""\ud800""#, #""\udc00\ud800""#, "{", "01", "1.", "+1",
        "nul",
        "\u{FEFF}1", "\"\u{1}\"", "\"\u{2028}\"", "\"\u{7F}\"", "{}{}", "[1,]", #"{"a":}"#, "'a'",
        "",
        String(repeating: "[", count: 120) + String(repeating: "]", count: 120),
        String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
        "line\nline\r\n\u{0}\"quoted\\\"", "ünï\u{85}",
    ]
    static let contentTypes = [
        "application/json", "", "Application/VND.a+JSON; charset=utf-8", "text/plain", "image/png",
    ]

    private func comesBack(_ event: NewEvent) throws {
        let record = try event.recorded()
        let line = try CloudEvents.line(record, of: log)
        #expect(!line.contains(UInt8(ascii: "\n")) && !line.contains(UInt8(ascii: "\r")))
        #expect(try JSONSerialization.jsonObject(with: Data(line)) is [String: Any])
        var back = try CloudEvents.event(line[...])
        #expect(back.originalTime == record.time)
        back.originalTime = nil
        #expect(try back.recorded().bytes.elementsEqual(record.bytes))
    }

    @Test(arguments: texts, contentTypes)
    func `Event is read back exactly from its line`(text: String, contentType: String) throws {
        try comesBack(
            .sample(contentType: contentType, metadata: Array(text.utf8), data: Array(text.utf8)))
    }

    @Test(arguments: contentTypes)
    func `Event with random bytes is read back from its line`(contentType: String) throws {
        var generator = SplitMix(state: 7)
        let alphabet =
            Array(#"{}[]",:\u0dD89ae+-.1 truefalsn"#.utf8) + [0, 10, 13, 0xC3, 0xA9, 0xFF]
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            try comesBack(.sample(contentType: contentType, metadata: bytes, data: bytes))
        }
    }

    @Test(arguments: [
        ["customer:7", "order:1"], ["a,b", "%", "%41", ",", " ", "\u{301}", "a"],
        ["ünï", "\n", "\u{85}", "\""], ["\u{FEFF}", "\u{FEFF}x"],
        (1...Limits.tags).map { "tag:\($0)" },
    ])
    func `Event is read back with its tags`(tags: [String]) throws {
        try comesBack(.sample(tags: tags))
    }

    @Test func `Event without a cause is read back from its line`() throws {
        try comesBack(NewEvent(stream: try StreamName("a"), type: "T", data: []))
    }

    @Test func `Line has the attributes of the protocol document`() throws {
        let event = try NewEvent.sample(
            tags: ["customer:7", "a,b"], metadata: Array(#"{"actor":"a"}"#.utf8),
            data: Array(#"{ "amount": 1.0 }"#.utf8))
        let line = String(
            decoding: try CloudEvents.line(try event.recorded(), of: log), as: UTF8.self)
        let expected = #"""
            {"specversion":"1.0","id":"00000000-0000-0001-0000-000000000002",
            "source":"daybook:11112222-3333-4444-5555-666677778888","type":"MoneyCredited",
            "subject":"account-7","time":"1970-01-01T00:00:00.000000Z","position":"0",
            "revision":"0","correlationid":"00000000-0000-0003-0000-000000000004",
            "causationid":"00000000-0000-0005-0000-000000000006","tags":"customer:7,a%2Cb",
            "metadata":"{\"actor\":\"a\"}","datacontenttype":"application/json",
            "data":{ "amount": 1.0 }}
            """#
        #expect(line == expected.replacing("\n", with: ""))
    }

    @Test(arguments: [
        ("application/json", "1 ", #""data_base64":"MSA=""#),
        ("text/plain", "a\n", #""data":"a\n""#),
        ("image/png", "\u{1}", #""data":"\u0001""#),
    ])
    func `Line holds data in the member that keeps it exactly`(
        contentType: String, data: String, member: String
    ) throws {
        let record = try NewEvent.sample(contentType: contentType, data: Array(data.utf8))
            .recorded()
        let line = String(decoding: try CloudEvents.line(record, of: log), as: UTF8.self)
        #expect(line.hasSuffix(member + "}"))
    }

    @Test func `Event that a line cannot represent exactly is rejected`() throws {
        var bytes = Array(try NewEvent.sample(tags: ["tag"]).recorded().bytes)
        let tag = try #require(bytes.firstRange(of: Array("tag".utf8)))
        bytes[tag.lowerBound] = 0xFF
        let record = try RecordedEvent(bytes[...])
        #expect(throws: DaybookError.self) { try CloudEvents.line(record, of: log) }
    }
}
