import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Trace
import WireProtocol

struct Timeline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show an order's saga: the events from all services, and dead letters.")
    @OptionGroup var options: CallOptions
    @OptionGroup var when: MomentOptions
    @Option(help: "The event store's endpoint (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        var events: [RecordedEvent] = []
        try await EventStoreConnection.with(eventStore, home: options.home) { client in
            let concerning = try await client.read(
                .tags([Tag.order(order)]), asOf: when.moment, timeout: .seconds(options.timeout))
            for try await event in concerning.events { events.append(event) }
        }
        guard let first = events.first else {
            throw DaybookError(.invalid, "no event concerns an order \(order)")
        }
        let types = Dictionary(events.map { ($0.id, $0.type) }) { first, _ in first }
        let notes = DeadLetterNotes(events)
        let steps = events.map { event in
            Step(
                position: event.position, type: event.type, service: event.category,
                milliseconds: (event.time - first.time) / .milliseconds(1),
                cause: types[event.causationID], stream: event.stream,
                note: notes.note(on: event))
        }
        if options.json { return try Output.json(steps) }
        let hasNotes = steps.contains { $0.note != nil }
        Output.table(
            ["position", "after ms", "category", "event", "because of"]
                + (hasNotes ? ["note"] : []),
            steps.map { step in
                [
                    "\(step.position)", "\(step.milliseconds)", step.service, step.type,
                    step.cause ?? "-",
                ] + (hasNotes ? [step.note ?? ""] : [])
            })
    }

    private struct Step: Encodable {
        let position: UInt64
        let type: String
        let service: String
        let milliseconds: Double
        let cause: String?
        let stream: StreamName
        let note: String?
    }
}
