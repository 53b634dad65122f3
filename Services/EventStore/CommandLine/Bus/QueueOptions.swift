public import ArgumentParser
import EventSourcing
import Foundation
import Observability
public import WireProtocol

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

extension Grouping: ExpressibleByArgument {
    /// Parses an option such as `stream` or `path:a.b`, or returns nil.
    public init?(argument: String) { self.init(argument) }
}

extension QueueStart: ExpressibleByArgument {
    /// Parses an option such as `end` or `position:17`, or returns nil.
    public init?(argument: String) { self.init(argument) }
}

/// The option of commands that ask before they remove something.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Do not ask for confirmation.") var yes = false

    /// Asks a question on the terminal, unless `--yes` is given.
    ///
    /// - Throws: `DaybookError` if the answer is not yes, or standard input is not a terminal.
    func confirm(_ question: String) throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw DaybookError(
                .usage, "standard input is not a terminal to ask on; confirm with --yes")
        }
        FileHandle.standardError.tell("\(question) [y/N] ")
        guard ["y", "yes"].contains(readLine()?.lowercased()) else {
            throw DaybookError(.invalid, "not confirmed; nothing was changed")
        }
    }
}
