import CloudEvents
import EventSourcing
import Foundation
import TestSupport
import Testing

/// The lines that an import reads.
@Suite(.mayBlock) struct `CloudEvent boundaries` {
    private static func event() throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 1, low: 2), stream: try StreamName("order-7"), type: "T",
            tags: ["a", "b"], correlationID: EventID(high: 3, low: 4),
            causationID: EventID(high: 5, low: 6), metadata: Array(#"{"actor":"x"}"#.utf8),
            data: Array(#"{"n":1}"#.utf8)
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    @Test func `CloudEvent with any field value is valid or rejected with a reason`() throws {
        let line = try CloudEvents.line(try Self.event(), of: EventID(high: 7, low: 8))
        let tree = try JSONTree(Data(line))
        #expect(tree.paths.count > 12)
        var (taken, rejected) = (0, 0)
        for path in tree.paths {
            guard let leaf = tree.value(at: path[...]) else { continue }
            for value in Extreme.values(for: leaf) {
                let changed = Array(tree.replacing(path[...], with: value).text.utf8)
                let place = "\(path.joined(separator: ".")) = \(value.prefix(60))"
                do {
                    var bytes: [UInt8] = []
                    try CloudEvents.event(changed[...]).encode(into: &bytes)
                    _ = try RecordedEvent(bytes[...])
                    taken += 1
                } catch let error as DaybookError where error.kind == .invalid {
                    #expect(!error.description.isEmpty, "\(place) is rejected without a reason")
                    rejected += 1
                } catch {
                    Issue.record("\(place): \(error)")
                }
            }
        }
        #expect(taken > 50 && rejected > 50)
    }
}
