import CloudEvents
import EventSourcing
import TestSupport
import Testing

private func read(_ line: String, to stream: StreamName? = nil) throws -> NewEvent {
    try CloudEvents.event(Array(line.utf8)[...], to: stream)
}

@Suite struct `CloudEvents of other producers` {
    private static let line = #"""
        {"type" : "com.github.push", "specversion":"1.0", "id":"A234-1234", "sampled":true,
        "source":"https://github.com/cloudevents", "subject":"push-42", "partitionkey": "k\u0041",
        "time":"2018-04-05T17:31:00Z", "data" : {"a": 1.0} }
        """#

    @Test func `Event goes to the stream of its subject and keeps all attributes`() throws {
        let event = try read(Self.line)
        #expect(event.stream.description == "push-42")
        #expect(event.type == "com.github.push" && event.contentType == "application/json")
        #expect(event.data == Array(#"{"a": 1.0}"#.utf8))
        #expect(event.correlationID == event.id && event.causationID == .none)
        let metadata = #"""
            {"cloudevent":{"id":"A234-1234","partitionkey":"kA","sampled":true,
            "source":"https://github.com/cloudevents","subject":"push-42",
            "time":"2018-04-05T17:31:00Z"}}
            """#
        #expect(
            String(decoding: event.metadata, as: UTF8.self) == metadata.replacing("\n", with: ""))
    }

    @Test func `Event id derives from the id and source of the CloudEvent`() throws {
        let event = try read(Self.line)
        // uuid5(uuid5(NAMESPACE_URL, source), id), computed with Python's uuid module.
        #expect(event.id.description == "b5251736-e18f-5020-81fd-d1354e7e85ce")
        #expect(try read(Self.line).id == event.id)
        #expect(try read(Self.line.replacing("github.com", with: "x.org")).id != event.id)
        let uuid = "123e4567-e89b-12d3-a456-426614174000"
        #expect(try read(Self.line.replacing("A234-1234", with: uuid)).id == EventID(uuid))
    }

    @Test func `Event goes to the given stream instead of its subject`() throws {
        let stream = try StreamName("pushes")
        #expect(try read(Self.line, to: stream).stream == stream)
        let other = Self.line.replacing("push-42", with: "some file.txt")
        #expect(try read(other, to: stream).stream == stream)
        #expect(throws: DaybookError.self) { try read(other) }
    }

    @Test(arguments: [
        (#""datacontenttype":"text/xml","data":"<a\u002f>\n""#, "<a/>\n"),
        (#""datacontenttype":"text/plain","data":[1, 2]"#, "[1, 2]"),
        (#""datacontenttype":"application/json","data":"text""#, #""text""#),
        (#""data":null"#, "null"), (#""data_base64":"AQI=""#, "\u{1}\u{2}"),
        (#""dataschema":null"#, ""),
    ])
    func `Event has its data whatever its form`(members: String, data: String) throws {
        let line =
            #"{"specversion":"1.0","id":"1","source":"s","type":"T","subject":"a",\#(members)}"#
        #expect(try read(line).data == Array(data.utf8))
    }
}

@Suite struct `Invalid CloudEvents lines` {
    private static let own = #"""
        {"specversion":"1.0","id":"00000000-0000-0001-0000-000000000002","type":"T",
        "source":"daybook:11112222-3333-4444-5555-666677778888","subject":"account-7",
        "time":"1970-01-01T00:00:00.000000Z","position":"1","revision":"0",
        "correlationid":"00000000-0000-0003-0000-000000000004","data":1}
        """#

    @Test(arguments: [
        ("{", ""), ("\"specversion\":\"1.0\",", ""), ("\"1.0\"", "\"0.3\""), ("\"1.0\"", "1"),
        ("0001-0000", "0001"), ("\"T\"", "\"\""), ("account-7", "not a stream"),
        ("\"subject\":\"account-7\",", ""), ("1970-01-01T", "1970-02-30T"),
        ("\"position\":\"1\"", "\"position\":1"), ("\"revision\":\"0\"", "\"revision\":\"-1\""),
        ("\"correlationid\":\"00000000-0000-0003-0000-000000000004\",", ""),
        ("\"data\":1", "\"data\":1,\"data_base64\":\"AA==\""),
        ("\"data\":1", "\"data_base64\":\"A\""),
        ("\"data\":1", "\"data\":01"), ("\"data\":1", "\"data\":1,\"data\":1"),
        ("\"data\":1", "\"tags\":\"%G0\""), ("\"data\":1", "\"tags\":\"%FF\""),
        ("\"data\":1", "\"tags\":\"%+1\""), ("\"data\":1", "\"tags\":\"%A9\""),
        ("\"data\":1", "\"tags\":[\"a\"]"), ("\"data\":1", "\"Data\":1"),
        ("\"data\":1", "\"unknown\":\"1\""), ("\"data\":1}", "\"data\":1"),
        ("\"data\":1}", "\"data\":1}{}"),
        ("\"data\":1", "\"metadata\":\"1\",\"metadatabase64\":\"AA==\""),
        ("\"data\":1", "\"data\":\(String(repeating: "[", count: 1_000_000))"),
    ])
    func `Invalid line is rejected`(part: String, change: String) throws {
        #expect(try read(Self.own).data == [UInt8(ascii: "1")])
        let line = Self.own.replacing(part, with: change, maxReplacements: 1)
        #expect(line != Self.own)
        #expect(throws: DaybookError.self) { try read(line) }
    }

    @Test(arguments: ["", "[]", "null", "1", "\"specversion\""])
    func `Line that is not an object is rejected`(line: String) {
        #expect(throws: DaybookError.self) { try read(line) }
    }

    @Test(arguments: ["amended", "skipped"])
    func `Amended event is read only where what was appended does not matter`(
        _ mark: String
    ) throws {
        let line = Array("\(Self.own.dropLast()),\"\(mark)\":true}".utf8)
        let error = #expect(throws: DaybookError.self) { try CloudEvents.event(line[...]) }
        #expect(error?.description.hasPrefix("it is \(mark), ") == true)
        #expect(try RecordedEvent(cloudEvent: line).type == read(Self.own).type)
    }

    @Test func `Error names the invalid attribute`() {
        let error = #expect(throws: DaybookError.self) {
            try read(Self.own.replacing("0001-0000", with: "0001"))
        }
        #expect(error?.description == "its 'id' is not a UUID")
    }

    @Test func `Reading a line with random changes does not trap`() {
        var generator = SplitMix(state: 3)
        let line = Array(Self.own.utf8)
        for _ in 0..<5000 {
            var bytes = line
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? CloudEvents.event(
                bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
        }
    }
}
