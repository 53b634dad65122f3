import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import ServiceRuntime
import WireProtocol

extension Queues {
    struct Work: ProgramCommand {
        static let abstract =
            "Run a shell command for each delivery of a queue, until SIGTERM or SIGINT."
        static let discussion = """
            The command finds the event on its standard input, as a CloudEvent in one line. \
            Its environment has DAYBOOK_QUEUE, DAYBOOK_RULE, DAYBOOK_REPLAY, \
            DAYBOOK_RECEIVE_COUNT, DAYBOOK_POSITION, DAYBOOK_STREAM, DAYBOOK_TYPE and \
            DAYBOOK_ID. Exit status 0 acknowledges the delivery. After any other status or a \
            signal, the delivery is given back with the last line of standard error, and \
            redelivered later. The worker ends if the command can't be run, and slows down while \
            every command fails.
            """

        @OptionGroup var call: CallOptions
        @Argument(nameOf: QueueView.self) var name: String
        @Option(help: "The shell command, which /bin/sh runs.") var exec: String
        @Option(help: "The largest number of commands that run at a time.") var concurrency = 1
        @Option(help: "How long the deliveries of a crashed worker stay invisible to others.")
        var visibilityTimeout = Seconds(30)
        @Option(help: "How long commands may run on when the worker stops, before they are ended.")
        var drainTimeout = Seconds(20)
        @Flag(help: "Stop when the queue has nothing more to deliver.") var untilEmpty = false

        func validate() throws {
            try require(
                (1...ReceiveRequest.maximumCount).contains(concurrency),
                "--concurrency must be 1 to \(ReceiveRequest.maximumCount), not \(concurrency)")
            try require(visibilityTimeout.value > 0, "--visibility-timeout must be above 0")
        }

        func run() async throws {
            endOnSignalWhileStarting()
            try await Shell.check(exec)
            // Commands would inherit an ignored SIGPIPE, but they do not inherit a handler.
            signal(SIGPIPE) { _ in }
            let (call, name) = (call, name)
            let (untilEmpty, counters) = (untilEmpty, WorkCounters())
            try await call.withBus { bus in
                let longestBackoff = try await bus.longestBackoff(of: name)
                try await call.withConsumer(of: name) { consumer, welcome in
                    let handler = CommandHandler(
                        exec, log: welcome.log, queue: name, longestBackoff: longestBackoff,
                        home: call.home, endpoint: call.endpoint)
                    let worker = QueueWorker(
                        consumer, concurrency: concurrency,
                        visibilityTimeout: visibilityTimeout.duration,
                        drainTimeout: drainTimeout.duration, admit: handler.admit,
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
            if call.json { try Output.json(counts) } else { try Output.print("\(counts)") }
            try require(
                counts.acknowledged > 0 || counts.failed + counts.late == 0, .rejected,
                "no delivery of queue '\(name)' was acknowledged")
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
    /// Returns the longest time between two deliveries of an event of the queue.
    fileprivate func longestBackoff(of name: String) async throws -> Duration {
        do {
            let view: QueueView = try await view(of: name)
            return .seconds(view.queue.retry.maximumBackoff)
        } catch let error as ProtocolError where error.code == .denied {
            // A key that may only receive from the queue may not see its definition.
            return CommandHealth.longestPause
        }
    }

    /// Waits until a queue has taken in all events up to `head` and has nothing to deliver, apart
    /// from events behind dead letters.
    ///
    /// - Throws: `DaybookError` if the queue is paused.
    fileprivate func waitUntilDone(with name: String, through head: UInt64) async throws {
        while true {
            let view: QueueView = try await view(of: name, atLeast: head)
            try require(
                !view.isPaused, .invalid, "queue '\(name)' is paused: it will not become empty")
            if !view.isFilling, view.inFlight == 0, view.depth <= view.waitingBehindDead { return }
            // The bus has no call that waits for an empty queue, so this polls.
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Counts the results of a worker that the store has confirmed.
private actor WorkCounters {
    struct Counts: Encodable, CustomStringConvertible {
        var acknowledged = 0
        var failed = 0
        /// Deliveries whose command did not run, or was ended because the worker stopped.
        var returned = 0
        /// Acknowledgements that the store did not confirm.
        var late = 0

        var description: String {
            "\(acknowledged) acknowledged, \(failed) failed"
                + (returned > 0 ? ", \(returned) returned" : "")
                + (late > 0 ? ", \(late) not confirmed" : "")
        }
    }

    private(set) var counts = Counts()

    func add(_ reported: [QueueWorker.Reported]) {
        for reported in reported {
            switch (reported.verdict, reported.outcome) {
            case (.acknowledged, .confirmed): counts.acknowledged += 1
            case (.acknowledged, .rejected(let reason)):
                addLate(reported.delivery, "was rejected: \(reason)")
            case (.returned, _): counts.returned += 1
            case (.acknowledged, .unknown): addLate(reported.delivery, "was not answered")
            case (.acknowledged, .late):
                addLate(
                    reported.delivery,
                    "came too late: its visibility timeout had passed, or it was "
                        + "acknowledged before the event store restarted")
            default: counts.failed += 1
            }
        }
    }

    private func addLate(_ delivery: Delivery, _ reason: String) {
        counts.late += 1
        Output.printError(
            "event-store: the acknowledgement of \(delivery.place), \(reason); it may be "
                + "delivered again")
    }
}

/// Handles deliveries by running a shell command.
private actor CommandHandler {
    private let shell: Shell
    private let queue: String
    private let log: EventID
    private var health: CommandHealth
    /// The environment that is the same for all deliveries.
    private let common: [String: String]

    init(
        _ command: String, log: EventID, queue: String, longestBackoff: Duration, home: String,
        endpoint: String?
    ) {
        shell = Shell(command)
        health = CommandHealth(longestBackoff: longestBackoff)
        self.log = log
        self.queue = queue
        // The command's own calls reach the same store.
        var common = ["DAYBOOK_QUEUE": queue, "DAYBOOK_HOME": home]
        common["DAYBOOK_EVENT_STORE_ENDPOINT"] = endpoint
        self.common = common
    }

    /// Returns how many deliveries the worker may receive next. Waits while every command fails.
    ///
    /// - Throws: `unavailable` if the command can't run.
    func admit() async throws -> Int {
        if let fault = health.fault {
            throw DaybookError(
                .unavailable,
                "the command can't run: \(fault); its deliveries are back in queue '\(queue)'; "
                    + "correct --exec and start the worker again")
        }
        guard let pause = health.takePause() else { return ReceiveRequest.maximumCount }
        if pause.isFirst {
            Output.printError(
                "event-store: the last \(CommandHealth.failuresInRow) commands have failed; the "
                    + "worker pauses up to a minute before each further one, until one succeeds")
        }
        // The commands fail for a reason that only time, or a person, removes.
        try await Task.sleep(for: pause.duration)
        return 1
    }

    func handle(_ delivery: Delivery) async -> Acknowledgement.Verdict {
        guard health.fault == nil else { return .returned }
        let verdict: Acknowledgement.Verdict
        do {
            let ending = try await run(delivery)
            if let fault = ending.fault, Task.isCancelled {
                Output.printError("event-store: \(delivery.place), was stopped: \(fault)")
                return .returned
            }
            verdict = health.verdict(on: ending)
        } catch {
            verdict = health.failed("\(error)")
        }
        if case .failed(let fault, _) = verdict {
            Output.printError("event-store: \(delivery.place), failed: \(fault)")
        }
        return verdict
    }

    /// Runs the command for a delivery.
    private func run(_ delivery: Delivery) async throws -> Shell.Ending {
        let line = try CloudEvents.line(delivery.event, of: log) + [UInt8(ascii: "\n")]
        let ending = try await shell.run(line, environment: environment(of: delivery))
        // Printed only when the command has ended, so that outputs of several do not mix.
        Output.writeError(ending.errors)
        return ending
    }

    private func environment(of delivery: Delivery) -> [String: String] {
        let own = [
            "DAYBOOK_RULE": delivery.rule, "DAYBOOK_REPLAY": delivery.replay ?? "",
            "DAYBOOK_RECEIVE_COUNT": "\(delivery.receiveCount)",
            "DAYBOOK_POSITION": "\(delivery.event.position)",
            "DAYBOOK_STREAM": "\(delivery.event.stream)", "DAYBOOK_TYPE": delivery.event.type,
            "DAYBOOK_ID": "\(delivery.event.id)",
        ]
        return common.merging(own) { $1 }
    }
}

extension Delivery {
    /// The event's type and position, and how often the queue has delivered it.
    fileprivate var place: String {
        "\(event.type) at position \(event.position), attempt \(receiveCount)"
    }
}
