import Bytes
import EventSourcing
import JSON

@testable import CloudEvents

extension Fuzzer {
    /// A line of a file of CloudEvents. An imported event must stay the same when it is exported
    /// and imported again.
    static let cloudEvent = Fuzzer(name: "cloudEvent") { input in
        guard let event = accepted({ try CloudEvents.event(input[...]) }) else { return }
        var bytes: [UInt8] = []
        guard accepted({ try event.encode(into: &bytes) }) != nil else { return }
        // What the store writes when it appends the event.
        bytes[RecordLayout.flags] = event.originalTime == nil ? 0 : RecordLayout.history
        var head = bytes.mutableSpan
        head.set(Timestamp.latest.microseconds, at: RecordLayout.time)
        let record = accepted { try RecordedEvent(bytes[...]) }
        let line = record.flatMap { record in
            accepted { try CloudEvents.line(record, of: EventID(high: 1, low: 1)) }
        }
        var again = line.flatMap { line in accepted { try CloudEvents.event(line[...]) } }
        // An exported event has a time, which a new event does not have.
        if event.originalTime == nil { again?.originalTime = nil }
        try check(again == event, "an imported event changes when it is exported")
    }

    /// Whether the JSON can be part of a line of CloudEvents as it is.
    static func isLineOfCloudEvents(_ input: [UInt8]) -> Bool {
        _ = accepted { try JSONScanner.members(of: input[...]) }
        _ = JSONScanner.text(of: input[...])
        return JSONScanner.isOneLine(input[...])
    }
}
