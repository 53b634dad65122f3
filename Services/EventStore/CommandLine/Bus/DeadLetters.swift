import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import WireProtocol

struct DeadLetters: ProgramCommand {
    static let commandName: String? = "dlq"
    static let abstract = "Manage dead letters, which are events that queues could not deliver."
    static let subcommands: [any ParsableCommand.Type] = [
        List.self, Show.self, Redrive.self, Discard.self,
    ]
}

/// Options that select dead letters: those that match all of the given options.
struct DeadLetterFilter: ParsableArguments {
    @Option(help: "The queue of the dead letters.", completion: .names(of: QueueView.self))
    var queue: String?
    @Option(help: "The rule that sent the events.", completion: .names(of: RuleView.self))
    var rule: String?
    @Option(help: "The group of the dead letters.") var group: String?

    var isEmpty: Bool { queue == nil && rule == nil && group == nil }

    func selection(_ ids: [UInt64] = []) -> DeadLetterSelection {
        DeadLetterSelection(ids: ids.isEmpty ? nil : ids, queue: queue, rule: rule, group: group)
    }
}

/// Options that select dead letters by their ids, or all of them.
struct DeadLetterChoice: ParsableArguments {
    @Argument(help: "The ids of the dead letters.") var ids: [UInt64] = []
    @Flag(help: "Select all dead letters.") var all = false
}

/// A command that redrives or discards the dead letters that its options select.
protocol DeadLetterCommand: RepeatableCommand {
    var filter: DeadLetterFilter { get }
    var choice: DeadLetterChoice { get }
}

extension DeadLetterCommand {
    /// Checks that the options select dead letters, so that none are closed by mistake.
    func validate() throws {
        try require(
            choice.all == (choice.ids.isEmpty && filter.isEmpty),
            "give ids, --queue, --rule or --group, or give --all alone")
    }

    /// Redrives or discards the selected dead letters.
    ///
    /// - Parameters:
    ///   - name: the name of the bus's call, `redrive` or `discard`.
    ///   - outcome: the outcome in one word, for people.
    /// - Throws: `ProtocolError` if an id names no waiting dead letter. The message says what was
    ///   done all the same.
    func redriveOrDiscard(_ name: String, reason: String? = nil, _ outcome: String) async throws {
        let command = CloseDeadLetters(filter.selection(choice.ids), reason: reason)
        let reply = try await call.withBus { try await $0.command(name, command, commandID) }
        if call.json { return try Output.json(reply) }
        try Output.print("dead letters \(outcome): \(reply.events.count)")
    }
}

extension DeadLetters {
    struct List: ProgramCommand {
        static let abstract =
            "List dead letters that were neither redriven nor discarded, oldest first."

        @OptionGroup var options: CallOptions
        @OptionGroup var filter: DeadLetterFilter

        func run() async throws {
            let selection = filter.selection()
            let letters = try await options.withBus { bus in
                var letters: [DeadLetterView] = []
                while true {
                    let request = DeadLettersRequest(selection, after: letters.last?.id ?? 0)
                    let page = try await bus.query(
                        BusCall.deadLetters, request, as: [DeadLetterView].self)
                    letters += page
                    if page.count < request.limit { return letters }
                }
            }
            try options.list(
                letters,
                [
                    ("id", \.id), ("queue", \.letter.queue), ("rule", \.letter.rule),
                    ("position", \.letter.position), ("type", \.letter.type),
                    ("cause", \.letter.cause.rawValue), ("received", \.letter.receives),
                    ("behind", \.waitingBehind), ("died", \.diedAt),
                    ("error", { $0.letter.error ?? "" }),
                ])
        }
    }

    struct Show: ProgramCommand {
        static let abstract = "Show a dead letter and its event."

        @OptionGroup var options: CallOptions
        @Argument(help: "The id of the dead letter.") var id: UInt64

        func run() async throws {
            let request = DeadLettersRequest(DeadLetterSelection(ids: [id]))
            let found = try await options.withBus {
                try await $0.query(BusCall.deadLetters, request, as: [DeadLetterView].self)
            }
            let view = try found.first.orThrow(.invalid, "there is no waiting dead letter \(id)")
            try await options.withStore { client in
                let log = try await client.welcome().log
                let place = view.letter.position
                let found = client.read(ReadRequest(from: place, to: place))
                let event = try await found.events.first { _ in true }
                    .orThrow(.invalid, "the log has no event at position \(place)")
                if options.json { return try printJSON(view, event: event, of: log) }
                try Output.fields(Self.fields(view))
                try Output.print("")
                try EventPrinter(log: log, json: false).print([event])
            }
        }

        private static func fields(_ view: DeadLetterView) -> [Output.Field] {
            let letter = view.letter
            return [
                ("id", view.id), ("queue", letter.queue), ("rule", letter.rule),
                ("replay", letter.replay),
                ("event", "\(letter.event), \(letter.type) at position \(letter.position)"),
                ("sequence", letter.sequence), ("group", letter.group),
                ("waiting behind", view.waitingBehind), ("cause", letter.cause.rawValue),
                ("error", letter.error), ("received", "\(letter.receives) times"),
                ("enqueued", letter.enqueuedAt),
                ("first received", letter.firstReceivedAt?.description ?? "never"),
                ("died", view.diedAt),
            ]
        }
    }

    struct Redrive: DeadLetterCommand {
        static let abstract = "Put dead letters back into their queues, each at its original place."

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @OptionGroup var filter: DeadLetterFilter
        @OptionGroup var choice: DeadLetterChoice

        func run() async throws { try await redriveOrDiscard(BusCall.redrive, "redriven") }
    }

    struct Discard: DeadLetterCommand {
        static let abstract = "Give up dead letters, so that the events behind them are delivered."

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @OptionGroup var filter: DeadLetterFilter
        @OptionGroup var choice: DeadLetterChoice
        @Option(help: "The reason, which is kept in the log.") var reason: String

        func run() async throws {
            try await redriveOrDiscard(BusCall.discard, reason: reason, "discarded")
        }
    }
}
