import CloudEvents
import EventSourcing
import Testing

@Suite struct `Recorded event from a CloudEvent` {
    /// Patterns match the position and revision that `read --json` writes.
    @Test func `CloudEvent from a log keeps its position, revision and time`() throws {
        let line =
            #"{"specversion":"1.0","id":"4cd0c746-a06e-4939-8957-3457047d058e","#
            + #""source":"daybook:1c7b21f6-e7ff-47d3-b6af-38c86e2a8e56","type":"T","#
            + #""subject":"order-1","time":"2026-11-25T02:49:43.287652Z","position":"3","#
            + #""revision":"4","correlationid":"4cd0c746-a06e-4939-8957-3457047d058e","#
            + #""datacontenttype":"application/json","data":{"total":5}}"#
        let event = try RecordedEvent(cloudEvent: Array(line.utf8))
        #expect(event.position == 3 && event.revision == 4)
        #expect("\(event.time)" == "2026-11-25T02:49:43.287652Z")
        #expect(event.stream.description == "order-1" && event.type == "T")
        #expect(String(decoding: event.data, as: UTF8.self) == #"{"total":5}"#)
    }

    @Test func `CloudEvent of another producer has position 0`() throws {
        let line =
            #"{"specversion":"1.0","id":"1","source":"s","type":"T","subject":"a-1","data":1}"#
        let event = try RecordedEvent(cloudEvent: Array(line.utf8))
        #expect(event.position == 0 && event.stream.description == "a-1")
    }
}
