public import ArgumentParser
import EventSourcing
import Foundation
import Observability
public import WireProtocol

/// What of a queue can be changed: what is not given stays as it is.
struct QueueOptions: ParsableArguments {
    @Option(help: "For so long a delivered event is its consumer's alone; 30s.")
    var visibilityTimeout: Seconds?
    @Option(help: "An event received so often and never acknowledged is dead; 10.")
    var maximumReceives: Int?
    @Option(help: "An event in the queue for so long is dead; 1d.")
    var maximumAge: Seconds?
    @Option(help: "The pause before the second delivery; twice as long before each further; 1s.")
    var backoff: Seconds?
    @Option(help: "The longest pause; 5m.")
    var maximumBackoff: Seconds?
    @Option(help: "What events do behind a dead one of their group; wait.")
    var afterDeath: AfterDeath?
    @Flag(
        inversion: .prefixedNo,
        help: "Whether dead events are kept, to be redriven, or dropped and counted; kept.")
    var deadLetters: Bool?

    /// The queue with what is given.
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
    public init?(argument: String) { self.init(argument) }
}

extension QueueStart: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// Asks before something is lost.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Don't ask.") var yes = false

    /// - Throws: if the answer is no, or nobody can be asked.
    func confirm(_ question: String) throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw DaybookError(
                .usage, "say --yes: standard input is no terminal to ask on")
        }
        FileHandle.standardError.tell("\(question) [y/N] ")
        guard ["y", "yes"].contains(readLine()?.lowercased()) else {
            throw DaybookError(.invalid, "nothing was done")
        }
    }
}
