import EventSourcing
import JSON
import Testing
import WireProtocol

@Suite struct `Amendment messages` {
    private func record(data: String = "{}") throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 1, low: 2), stream: StreamName("account-7"), type: "MoneyCredited",
            data: Array(data.utf8)
        ).encode(into: &bytes)
        bytes[RecordLayout.position] = 9
        return try RecordedEvent(bytes[...])
    }

    @Test(arguments: [nil, "{}", "null", #""data""#, #"{"b":1.0, "a":12345678901234567890}"#])
    func `Amendment decodes to what was encoded, with the bytes of its data`(
        _ data: String?
    ) throws {
        let amendment = data.map { Amendment.data(Array($0.utf8)) } ?? .skip
        let amended = EventAmended(
            try record(), amendment, reason: #"a "reason", \ and more"#, by: "ann@desk")
        let bytes = try amended.encoded()
        #expect(JSONScanner.isOneLine(bytes[...]))
        #expect(try EventAmended(bytes[...]) == amended)
        #expect(amended.position == 9 && amended.stream.description == "account-7")
    }

    @Test func `Amendment is read whatever the order of its members is`() throws {
        let text = #"""
            {"data" : [1, 2],"by":"b","reason":"r","type":"T","stream":"s-1","position":3,
             "event":"00000000-0000-0001-0000-000000000002","later":{"data":0}}
            """#
        let amended = try EventAmended(Array(text.utf8)[...])
        #expect(amended.amendment == .data(Array("[1, 2]".utf8)))
        #expect(amended.event == EventID(high: 1, low: 2) && amended.by == "b")
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"event":"x","position":1,"stream":"s","type":"T","reason":"","by":""}"#,
    ])
    func `Data that is no amendment is rejected`(_ text: String) {
        let error = #expect(throws: DaybookError.self) {
            try EventAmended(Array(text.utf8)[...])
        }
        #expect(error?.kind == .invalid)
    }
}
