import ArgumentParser
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

/// The `reverse` command of every service.
struct Reverse<S: Service>: RepeatableCommand {
    static var commandName: String? { "reverse" }
    static var abstract: String { "Undo an event by appending another. The log keeps both." }
    static var discussion: String {
        """
        The service decides on the reversal as on any command, and rejects it if it would \
        break an invariant. To undo a step of an order's saga, reverse the placing or \
        confirmation of the order. The saga then undoes all its steps. If other services take \
        part in the reversal, the command waits for its end, up to --timeout.

        With --dry-run, the command appends nothing. It shows the consequences of the event so \
        far, the events that every service would append, and how its entities would change. \
        While sagas that concern these entities are under way, it lists the events in flight \
        instead. With --wait, the command first waits until all services answer and no event \
        is in flight, up to --timeout.
        """
    }

    /// The options for the call to the service.
    @OptionGroup var call: CallOptions

    /// The option for the id of the command.
    @OptionGroup var commandID: CommandIDOption

    /// Why the event is reversed, for the audit trail.
    @Option(help: "The reason, for the audit trail.") var reason: String

    /// Whether the command only shows the consequences of the reversal.
    @Flag(help: "Only show the consequences of the reversal.") var dryRun = false

    /// Whether the command first waits until no event is in flight.
    @Flag(help: "First wait until no saga of the entities is under way.") var wait = false

    /// The endpoint of the event store. If nil, the environment or the default under
    /// `home` applies.
    @Option(help: "The endpoint of the event store (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?

    /// The event to reverse.
    @Argument(
        help: "The id of the event, or its position in the log.",
        transform: EventReference.argument)
    var event: EventReference

    /// Checks that the reason is not empty.
    func validate() throws { try require(!reason.isEmpty, "--reason must not be empty") }

    /// Reverses the event, or shows the consequences of its reversal.
    ///
    /// - Throws: `rejected` if there is no such event or a service rejects the reversal,
    ///   `unavailable` if the reversal has not ended, or events are still in flight, after the
    ///   timeout.
    func run() async throws {
        try await EventStoreConnection.with(
            eventStore, home: call.home, timeout: call.timeoutDuration
        ) { client in
            let record = try await client.event(event)
            let command = ReverseEvent(event: record.id, reason: reason)
            if dryRun {
                let (preview, conversation) = try await preview(of: command, record, in: client)
                try preview.show(record, in: conversation, json: call.json)
                if let reason = preview.rejection { throw rejection(of: record, reason) }
                return
            }
            if wait {
                do {
                    _ = try await preview(of: command, record, in: client)
                } catch let error as any ClassifiedError
                    where error.kind == .rejected && commandID.given != nil
                {
                    // The event may be reversed already, by an earlier command with this id. The
                    // service decides that.
                }
            }
            let reply = try await reverse(record, with: command, in: client)
            try Output.reply(
                reply, json: call.json,
                "reversed \(record.type) at position \(record.position)")
        }
    }

    private func conversation(
        of record: RecordedEvent, in client: EventStoreClient
    ) async throws -> [RecordedEvent] {
        try await client.conversations(of: .correlations([record.correlationID]))
    }

    /// Sends the command, and waits for the end of the reversal. A repeated command waits for the
    /// same end.
    private func reverse(
        _ record: RecordedEvent, with command: ReverseEvent, in client: EventStoreClient
    ) async throws -> CommandReply {
        try await call.with(S.name) { service in
            try await commandID.repeatable { id, mayBeRepeat in
                let end = ContinuousClock.now + call.timeoutDuration
                var (id, mayBeRepeat) = (id, mayBeRepeat)
                while true {
                    let reply = try await service.command(
                        ReverseEvent.name, command, id: id, mayBeRepeat: mayBeRepeat)
                    do {
                        return try await ended(reply, of: record, in: client, by: end)
                    } catch let error as DaybookError
                        where error.kind == .rejected && reply.result == .repeated
                    {
                        // A rejected command is decided again when it is repeated. This one has
                        // left events, so its id is used up.
                        (id, mayBeRepeat) = (id.derived("again"), true)
                    }
                }
            }
        }
    }

    /// Returns the reply to the command, with the event that ends the reversal.
    private func ended(
        _ reply: CommandReply, of record: RecordedEvent, in client: EventStoreClient,
        by end: ContinuousClock.Instant
    ) async throws -> CommandReply {
        guard let start = reply.position else { return reply }
        var reply = reply
        let last = try await self.end(of: record, from: start, in: client, by: end)
        if last.position > start {
            reply.events.append(last.type)
            reply.position = last.position
        }
        return reply
    }

    /// Returns the consequences of the reversal, and the conversation of the event. With `--wait`,
    /// returns them when no event is in flight.
    private func preview(
        of command: ReverseEvent, _ record: RecordedEvent, in client: EventStoreClient
    ) async throws -> (ReversalPreview, conversation: [RecordedEvent]) {
        let end = ContinuousClock.now + call.timeoutDuration
        let services = Endpoints.services(home: call.home).keys.sorted()
        var conversation = try await conversation(of: record, in: client)
        var pause = Duration.milliseconds(100)
        while true {
            let streams = Set(conversation.map(\.stream)).sorted {
                $0.description < $1.description
            }
            let preview = try await ReversalPreview.rehearse(
                command, by: S.self, among: services, in: streams, call)
            let count = conversation.count
            conversation = try await self.conversation(of: record, in: client)
            // A saga that went on meanwhile may have events in streams that were not looked at.
            let isComplete = conversation.count == count
            if preview.isSettled ? isComplete : !wait { return (preview, conversation) }
            guard ContinuousClock.now < end else {
                throw DaybookError(
                    .unavailable,
                    "after \(call.timeout) seconds, \(preview.obstacle); "
                        + "try again later, or raise --timeout")
            }
            // The services do not report progress by themselves, so they are asked again. They read
            // the streams each time, which may be long.
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Waits for the event that ends the reversal, from position `start` on, and returns it.
    ///
    /// - Throws: `rejected` if the end is a rejection, `unavailable` if there is no end in time.
    private func end(
        of record: RecordedEvent, from start: UInt64, in client: EventStoreClient,
        by end: ContinuousClock.Instant
    ) async throws -> RecordedEvent {
        while true {
            let request = ReadRequest(.stream(record.stream), from: start)
            for try await later in client.read(request).events {
                for event in try Recorded<S.Subject.Event>.required(
                    in: later, by: S.Subject.self)
                {
                    switch S.Subject.outcome(ofReversing: record.id, in: event.event) {
                    case .reversed: return later
                    case .rejected(let reason): throw rejection(of: record, reason)
                    case nil: break
                    }
                }
            }
            guard ContinuousClock.now < end else {
                throw DaybookError(
                    .unavailable,
                    "the reversal of \(record.type) at position \(record.position) is requested "
                        + "(position \(start)), but has not ended within "
                        + "\(call.timeout) seconds; it continues without this command, "
                        + "in stream \(record.stream)")
            }
            // The log is read again, because a subscription has no timeout.
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func rejection(of record: RecordedEvent, _ reason: String) -> DaybookError {
        .rejected(
            "\(record.type) at position \(record.position) of stream \(record.stream) can't be "
                + "reversed: \(reason)")
    }
}
