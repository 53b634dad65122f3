import CommandLine
import EventSourcing
import Trace

/// The events of an order's saga, from all services, with notes about dead letters and amendments.
struct OrderTimeline: Encodable {
    private struct Step: Encodable {
        let position: UInt64
        let type: String
        let service: String
        let milliseconds: Double
        let cause: String?
        let stream: StreamName
        let note: String?
    }

    private let steps: [Step]

    /// - Parameter events: the events that concern the order, in log order.
    init(_ events: [RecordedEvent]) {
        let types = Dictionary(events.map { ($0.id, $0.type) }) { first, _ in first }
        let notes = DeadLetterNotes(events)
        steps = events.map { event in
            Step(
                position: event.position, type: event.type, service: event.category,
                milliseconds: (event.occurredAt - events[0].occurredAt) / .milliseconds(1),
                cause: types[event.causationID], stream: event.stream,
                note: notes.note(on: event) ?? AmendmentNotes.note(on: event))
        }
    }

    func encode(to encoder: any Encoder) throws { try steps.encode(to: encoder) }

    func printTable() throws {
        var columns: [Output.Column<Step>] = [
            ("position", \.position), ("after ms", \.milliseconds), ("category", \.service),
            ("event", \.type), ("because of", { $0.cause ?? "-" }),
        ]
        if steps.contains(where: { $0.note != nil }) { columns.append(("note", { $0.note ?? "" })) }
        try Output.table(steps, columns)
    }
}
