import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import WireProtocol

struct Queues: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage durable queues of events, and receive their deliveries.",
        subcommands: [
            Create.self, Change.self, List.self, Show.self, Receive.self, Ack.self, Nack.self,
            Extend.self, Work.self, Pause.self, Resume.self, Purge.self, Delete.self,
        ])
}

extension CallOptions {
    func queues() async throws -> [QueueView] {
        try await withBus { try await $0.queues() }
    }

    func queue(_ name: String) async throws -> QueueView {
        try await withBus { try await $0.queue(name) }
    }
}

extension ServiceClient {
    func queues() async throws -> [QueueView] { try await query(BusCall.queues, Nothing()) }

    /// Returns a queue's state, after the bus has reached the position `atLeast`.
    ///
    /// - Throws: `DaybookError` if there is no such queue.
    func queue(_ name: String, atLeast: UInt64? = nil) async throws -> QueueView {
        let queues = try await query(
            BusCall.queues, Nothing(), atLeast: atLeast, as: [QueueView].self)
        guard let view = queues.first(where: { $0.queue.name == name }) else {
            throw DaybookError(.invalid, "there is no queue '\(name)'")
        }
        return view
    }
}

extension QueueView {
    fileprivate var state: String { isPaused ? "paused" : isFilling ? "filling" : "open" }

    fileprivate var age: String { oldest.map { Seconds(since: $0).rough } ?? "-" }
}

extension Queues {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a queue, with defaults for missing settings.",
            discussion: """
                Does nothing if an identical queue exists, and fails if one with other settings \
                does.
                """)

        @OptionGroup var options: CallOptions
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
            let there = try await options.queues().first { $0.queue.name == name }
            guard there == nil || there?.queue == queue else {
                throw DaybookError(
                    .invalid,
                    "queue '\(name)' exists with other settings; see 'queues show \(name)'")
            }
            try await options.command(BusCall.putQueue, queue, "created queue \(name)")
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change the given settings of a queue.",
            discussion: """
                The grouping can't be changed. The start can be changed until a rule has targeted \
                the queue.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @Option(help: "Where in the log the queue starts; see 'create'.")
        var start: QueueStart?
        @OptionGroup var queue: QueueOptions

        func run() async throws {
            var changed = queue.applied(to: try await options.queue(name).queue)
            if let start { changed.start = start }
            try await options.command(BusCall.putQueue, changed, "changed queue \(name)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the queues with their depths and rates.")

        @OptionGroup var options: CallOptions

        func run() async throws {
            try options.list(
                try await options.queues(),
                [
                    "queue", "state", "depth", "delayed", "behind dead", "in flight", "dead",
                    "oldest", "per s",
                ]
            ) { view in
                [
                    view.queue.name, view.state, "\(view.depth)", "\(view.delayed)",
                    "\(view.waitingBehindDead)", "\(view.inFlight)", "\(view.deadLetters)",
                    view.age, "\((view.throughput * 10).rounded() / 10)",
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a queue's settings and state.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @Flag(help: "Show who changed the queue, when and how, even if it is deleted.")
        var history = false

        func run() async throws {
            if history {
                return try await options.printHistory(BusCategory.queue, name, of: "queue")
            }
            let view = try await options.queue(name)
            try options.show(view, Self.definition(view.queue) + Self.figures(view))
        }

        private static func definition(_ queue: QueueDefinition) -> [(String, String)] {
            [
                ("queue", queue.name), ("grouping", "\(queue.grouping)"),
                ("start", "\(queue.start)"),
                ("visibility timeout", "\(Seconds(queue.visibilityTimeout))"),
                ("maximum receives", "\(queue.retry.maximumReceives)"),
                ("maximum age", "\(Seconds(queue.retry.maximumAge))"),
                (
                    "back-off",
                    "\(Seconds(queue.retry.backoff)), up to \(Seconds(queue.retry.maximumBackoff))"
                ),
                ("after a death", queue.afterDeath.rawValue),
                ("dead letters", queue.hasDeadLetters ? "kept" : "dropped"),
            ]
        }

        private static func figures(_ view: QueueView) -> [(String, String)] {
            [
                ("state", view.state),
                (
                    "depth",
                    "\(view.depth), of them \(view.delayed) delayed, "
                        + "\(view.waitingBehindDead) behind a dead letter"
                ),
                ("in flight", "\(view.inFlight)"), ("dead", "\(view.deadLetters)"),
                ("oldest", view.oldest.map { "\($0), \(view.age) ago" } ?? "-"),
                ("acknowledged", "\(view.acknowledged), \(view.throughput) per s"),
                ("dropped", "\(view.dropped)"),
            ]
        }
    }
}

extension Queues {
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pause the deliveries of a queue; it still takes in events.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setQueuePaused, SetQueuePaused(name: name, isPaused: true),
                "paused queue \(name)")
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Resume the deliveries of a paused queue.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setQueuePaused, SetQueuePaused(name: name, isPaused: false),
                "resumed queue \(name)")
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove all events from a queue, except its dead letters.",
            discussion: "The events stay in the log.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @OptionGroup var confirmation: ConfirmationOptions

        func run() async throws {
            try confirmation.confirm("Remove everything from queue '\(name)'?")
            try await options.command(BusCall.purgeQueue, name, "purged queue \(name)")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a queue and everything in it.",
            discussion: "The events stay in the log.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @OptionGroup var confirmation: ConfirmationOptions

        func run() async throws {
            try confirmation.confirm("Delete queue '\(name)' and everything in it?")
            try await options.command(BusCall.deleteQueue, name, "deleted queue \(name)")
        }
    }
}
