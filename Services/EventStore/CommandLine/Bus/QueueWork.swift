import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import Observability
import ServiceRuntime
import WireProtocol

extension Queues {
    struct Work: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a shell command for each delivery of a queue, until SIGTERM or SIGINT.",
            discussion: """
                The command finds the event on its standard input, as a CloudEvent in one line. \
                Its environment has DAYBOOK_QUEUE, DAYBOOK_RULE, DAYBOOK_REPLAY, \
                DAYBOOK_RECEIVE_COUNT, DAYBOOK_POSITION, DAYBOOK_STREAM, DAYBOOK_TYPE and \
                DAYBOOK_ID. Exit status 0 acknowledges the delivery. After any other status or a \
                signal, the delivery is given back with the last line of standard error, and \
                redelivered later.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the queue.", completion: .custom(BusNames.queues))
        var name: String
        @Option(help: "The shell command, which /bin/sh runs.") var exec: String
        @Option(help: "The largest number of commands that run at a time.") var concurrency = 1
        @Option(help: "How long the deliveries of a crashed worker stay invisible to others.")
        var visibilityTimeout = Seconds(30)
        @Option(help: "How long commands may run on when the worker stops, before they are ended.")
        var drainTimeout = Seconds(20)
        @Flag(help: "Stop when the queue has nothing more to deliver.") var untilEmpty = false

        func validate() throws {
            guard (1...ReceiveRequest.maximumCount).contains(concurrency) else {
                throw ValidationError(
                    "--concurrency must be 1 to \(ReceiveRequest.maximumCount), not \(concurrency)")
            }
            guard visibilityTimeout.value > 0 else {
                throw ValidationError("--visibility-timeout must be above 0")
            }
        }

        func run() async throws {
            // Commands would inherit an ignored SIGPIPE, but they do not inherit a handler.
            signal(SIGPIPE) { _ in }
            let (name, untilEmpty, counters) = (name, untilEmpty, WorkCounters())
            try await options.withBus { bus in
                try await options.withConsumer(of: name) { consumer, welcome in
                    let handler = CommandHandler(self, log: welcome.log)
                    let worker = QueueWorker(
                        consumer, concurrency: concurrency,
                        visibilityTimeout: visibilityTimeout.duration,
                        drainTimeout: drainTimeout.duration,
                        onUnavailable: { Output.printError("event-store: \($0); waiting for it") },
                        onDrain: {
                            Output.printError(
                                "event-store: stopping; events still in flight: \($0)")
                        },
                        onReported: { await counters.add($0) })
                    try await untilSignalled {
                        guard untilEmpty else { return try await worker.run(handler.handle) }
                        try await worker.run(handler.handle) {
                            try await bus.waitUntilDone(with: name, through: welcome.head)
                        }
                    }
                }
            }
            let counts = await counters.counts
            if options.json { return try Output.json(counts) }
            let late = counts.late > 0 ? ", \(counts.late) too late" : ""
            print("\(counts.acknowledged) acknowledged, \(counts.failed) failed\(late)")
        }
    }
}

extension QueueWorker {
    /// Runs the worker until `end` returns.
    fileprivate nonisolated func run(
        _ handler: @escaping Handler, until end: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.run(handler) }
            group.addTask { try await end() }
            try await group.next()
            group.cancelAll()
            // A cancelled worker finishes the deliveries in flight before it throws.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}

extension ServiceClient {
    /// Waits until a queue has taken in all events up to `head` and has nothing to deliver, apart
    /// from events behind dead letters.
    ///
    /// - Throws: `DaybookError` if the queue is paused.
    fileprivate func waitUntilDone(with name: String, through head: UInt64) async throws {
        while true {
            let view = try await queue(name, atLeast: head)
            guard !view.isPaused else {
                throw DaybookError(.invalid, "queue '\(name)' is paused: it will not become empty")
            }
            if !view.isFilling, view.inFlight == 0, view.depth <= view.waitingBehindDead { return }
            // The bus has no call that waits for an empty queue, so this polls.
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Counts the results of a worker that the store has confirmed.
private actor WorkCounters {
    struct Counts: Codable, Sendable {
        var acknowledged = 0
        var failed = 0
        /// Acknowledgements that the store did not confirm.
        var late = 0
    }

    private(set) var counts = Counts()

    func add(_ reported: [QueueWorker.Reported]) {
        for reported in reported {
            guard reported.verdict == .acknowledged else {
                counts.failed += 1
                continue
            }
            guard reported.outcome != .confirmed else {
                counts.acknowledged += 1
                continue
            }
            counts.late += 1
            let event = reported.delivery.event
            let reason =
                reported.outcome == .late
                ? "came too late: its visibility timeout had passed, or it was acknowledged before"
                : "was not answered"
            Output.printError(
                "event-store: the acknowledgement of \(event.type) at position \(event.position), "
                    + "attempt \(reported.delivery.receiveCount), \(reason); it may be delivered "
                    + "again")
        }
    }
}

/// Handles deliveries by running a shell command.
private struct CommandHandler: Sendable {
    private let shell: Shell
    private let queue: String
    private let log: EventID
    /// The variables by which the command's own calls reach the same store.
    private let store: [String: String]

    init(_ work: Queues.Work, log: EventID) {
        shell = Shell(work.exec)
        queue = work.name
        self.log = log
        store = ["DAYBOOK_HOME": work.options.home].merging(
            work.options.endpoint.map { ["DAYBOOK_EVENT_STORE_ENDPOINT": $0] } ?? [:]
        ) { $1 }
    }

    func handle(_ delivery: Delivery) async -> Acknowledgement.Verdict {
        let fault: String?
        do {
            fault = try await run(delivery)
        } catch {
            fault = "\(error)"
        }
        guard let fault else { return .acknowledged }
        Output.printError(
            "event-store: \(delivery.event.type) at position \(delivery.event.position), "
                + "attempt \(delivery.receiveCount), failed: \(fault)")
        return .failed(error: fault, delay: nil)
    }

    /// Runs the command for a delivery, and returns its fault, or nil if it succeeded.
    private func run(_ delivery: Delivery) async throws -> String? {
        let line = try CloudEvents.line(delivery.event, of: log) + [UInt8(ascii: "\n")]
        let ending = try await shell.run(line, environment: environment(of: delivery))
        // Printed only when the command has ended, so that outputs of several do not mix.
        FileHandle.standardError.tell(ending.errors)
        return ending.fault
    }

    private func environment(of delivery: Delivery) -> [String: String] {
        let own = [
            "DAYBOOK_QUEUE": queue, "DAYBOOK_RULE": delivery.rule,
            "DAYBOOK_REPLAY": delivery.replay ?? "",
            "DAYBOOK_RECEIVE_COUNT": "\(delivery.receiveCount)",
            "DAYBOOK_POSITION": "\(delivery.event.position)",
            "DAYBOOK_STREAM": "\(delivery.event.stream)", "DAYBOOK_TYPE": delivery.event.type,
            "DAYBOOK_ID": "\(delivery.event.id)",
        ]
        return store.merging(own) { $1 }
    }
}
