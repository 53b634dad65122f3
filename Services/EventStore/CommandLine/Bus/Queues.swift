public import ArgumentParser
import Bytes
import CommandLine
import EventSourcing
import Foundation
public import WireProtocol

struct Queues: ProgramCommand {
    static let abstract = "Manage durable queues of events, and receive their deliveries."
    static let subcommands: [any ParsableCommand.Type] = [
        Create.self, Change.self, BusList<QueueView>.self, BusShow<QueueView>.self, Receive.self,
        Ack.self, Nack.self, Extend.self, Work.self, Pause.self, Resume.self, Purge.self,
        Delete.self,
    ]
}

extension QueueView: BusViewWithHistory {
    static let kind = "queue"
    static let query = BusCall.queues
    static let category = BusCategory.queue
    static let listAbstract = "List the queues with their depths and rates."
    static let showAbstract = "Show a queue's settings and state."

    static var columns: [Output.Column<QueueView>] {
        [
            ("queue", \.name), ("state", \.state), ("depth", \.depth), ("delayed", \.delayed),
            ("behind dead", \.waitingBehindDead), ("in flight", \.inFlight),
            ("dead", \.deadLetters), ("oldest", \.age),
            ("per s", { ($0.throughput * 10).rounded() / 10 }),
        ]
    }

    var name: String { queue.name }

    var fields: [Output.Field] {
        let retry = queue.retry
        return [
            ("queue", name), ("grouping", queue.grouping), ("start", queue.start),
            ("visibility timeout", Seconds(queue.visibilityTimeout)),
            ("maximum receives", retry.maximumReceives),
            ("maximum age", Seconds(retry.maximumAge)),
            ("back-off", "\(Seconds(retry.backoff)), up to \(Seconds(retry.maximumBackoff))"),
            ("after a death", queue.afterDeath.rawValue),
            ("dead letters", queue.hasDeadLetters ? "kept" : "dropped"), ("state", state),
            (
                "depth",
                "\(depth), of them \(delayed) delayed, \(waitingBehindDead) behind a dead letter"
            ),
            ("in flight", inFlight), ("dead", deadLetters),
            ("oldest", oldest.map { "\($0), \(age) ago" }),
            ("acknowledged", "\(acknowledged), \(throughput) per s"), ("dropped", dropped),
        ]
    }

    private var state: String { isPaused ? "paused" : isFilling ? "filling" : "open" }

    private var age: String { oldest.map { Seconds(since: $0).rough } ?? "-" }
}

extension Queues {
    struct Create: RepeatableCommand {
        static let abstract = "Create a queue, with defaults for missing settings."
        static let discussion = """
            Does nothing if an identical queue exists, and fails if one with other settings \
            does.
            """

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @Argument(help: "The name of the queue.") var name: String
        @Option(
            help: """
                How events are grouped to be delivered one after the other: correlation, stream, \
                unordered (no groups), or path:a.b,c (by the value at the first of these paths \
                that their data has).
                """)
        var grouping = Grouping.correlation
        @Option(
            help: """
                Where in the log the queue starts when its first rule is created: end, beginning, \
                position:N, or time:T in RFC 3339.
                """)
        var start = QueueStart.end
        @OptionGroup var queue: QueueOptions

        func run() async throws {
            let queue = queue.applied(
                to: QueueDefinition(name: name, grouping: grouping, start: start))
            let queues = try await call.withBus { try await $0.all(QueueView.self) }
            let there = queues.first { $0.name == name }
            try require(
                there == nil || there?.queue == queue, .invalid,
                "queue '\(name)' exists with other settings; see 'queues show \(name)'")
            try await sendToBus(BusCall.putQueue, queue, "created queue \(name)")
        }
    }

    struct Change: RepeatableCommand {
        static let abstract = "Change the given settings of a queue."
        static let discussion = """
            The grouping can't be changed. The start can be changed until a rule has targeted \
            the queue.
            """

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @OptionGroup var commandID: CommandIDOption
        @Option(help: "Where in the log the queue starts; see 'create'.")
        var start: QueueStart?
        @OptionGroup var settings: QueueOptions

        func run() async throws {
            let view: QueueView = try await call.view(of: name)
            var changed = settings.applied(to: view.queue)
            if let start { changed.start = start }
            try await sendToBus(BusCall.putQueue, changed, "changed queue \(name)")
        }
    }

    struct Pause: RepeatableCommand {
        static let abstract = "Pause the deliveries of a queue; it still takes in events."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            let change = SetPaused(name: name, isPaused: true)
            try await sendToBus(BusCall.setQueuePaused, change, "paused queue \(name)")
        }
    }

    struct Resume: RepeatableCommand {
        static let abstract = "Resume the deliveries of a paused queue."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            let change = SetPaused(name: name, isPaused: false)
            try await sendToBus(BusCall.setQueuePaused, change, "resumed queue \(name)")
        }
    }

    struct Purge: RepeatableCommand {
        static let abstract = "Remove all events from a queue, except its dead letters."
        static let discussion = "The events stay in the log."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @OptionGroup var commandID: CommandIDOption
        @OptionGroup var confirmation: ConfirmationOptions

        func run() async throws {
            try confirmation.confirm("Remove everything from queue '\(name)'?")
            try await sendToBus(BusCall.purgeQueue, name, "purged queue \(name)")
        }
    }

    struct Delete: RepeatableCommand {
        static let abstract = "Delete a queue and everything in it."
        static let discussion = "The events stay in the log."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @OptionGroup var commandID: CommandIDOption
        @OptionGroup var confirmation: ConfirmationOptions

        func run() async throws {
            try confirmation.confirm("Delete queue '\(name)' and everything in it?")
            try await sendToBus(BusCall.deleteQueue, name, "deleted queue \(name)")
        }
    }
}

/// Options for the settings of a queue that can be changed. A missing option changes nothing.
struct QueueOptions: ParsableArguments {
    @Option(
        help: """
            How long a delivery stays invisible to other consumers before it is redelivered \
            (default of a new queue: 30s).
            """)
    var visibilityTimeout: Seconds?
    @Option(
        help: """
            After how many receives without an acknowledgement an event is dead (default of a new \
            queue: 10).
            """)
    var maximumReceives: Int?
    @Option(help: "The age in the queue at which an event is dead (default of a new queue: 1d).")
    var maximumAge: Seconds?
    @Option(
        help: """
            The pause before the second delivery, doubled before each further delivery (default of \
            a new queue: 1s).
            """)
    var backoff: Seconds?
    @Option(help: "The longest pause between deliveries (default of a new queue: 5m).")
    var maximumBackoff: Seconds?
    @Option(
        help: """
            What the events behind a dead one of their group do: wait until it is redriven or \
            discarded, or go on without it (default of a new queue: wait).
            """)
    var afterDeath: AfterDeath?
    @Flag(
        inversion: .prefixedNo,
        help: """
            Whether dead events are kept to be redriven, or else dropped and counted (default of \
            a new queue: kept).
            """)
    var deadLetters: Bool?

    /// Returns the queue with the given settings.
    func applied(to queue: QueueDefinition) -> QueueDefinition {
        var queue = queue
        if let visibilityTimeout { queue.visibilityTimeout = visibilityTimeout.value }
        if let maximumReceives { queue.retry.maximumReceives = maximumReceives }
        if let maximumAge { queue.retry.maximumAge = maximumAge.value }
        if let backoff { queue.retry.backoff = backoff.value }
        if let maximumBackoff { queue.retry.maximumBackoff = maximumBackoff.value }
        if let afterDeath { queue.afterDeath = afterDeath }
        if let deadLetters { queue.hasDeadLetters = deadLetters }
        return queue
    }
}

extension AfterDeath: ExpressibleByArgument {}

extension Grouping: LosslessStringConvertible, ExpressibleByArgument {}

extension QueueStart: LosslessStringConvertible, ExpressibleByArgument {}

/// The option of commands that ask before they remove something.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Do not ask for confirmation.") var yes = false

    /// Asks a question on the terminal, unless `--yes` is given.
    ///
    /// - Throws: `DaybookError` if the answer is not yes, or standard input is not a terminal.
    func confirm(_ question: String) throws {
        guard !yes else { return }
        try require(
            isatty(STDIN_FILENO) == 1, .usage,
            "standard input is not a terminal to ask on; confirm with --yes")
        Output.writeError("\(question.visible) [y/N] ".utf8)
        try require(
            ["y", "yes"].contains(readLine()?.lowercased()), .invalid,
            "not confirmed; nothing was changed")
    }
}
