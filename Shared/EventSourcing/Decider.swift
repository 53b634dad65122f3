/// What an aggregate may do, as pure functions of its past (Jérémie Chassaing, "Functional Event
/// Sourcing Decider", 2021).
///
/// Conform a caseless enum: nothing can be injected into it, so its purity shows. Time, identity
/// and everything else from outside arrive inside the commands.
public protocol Decider: SendableMetatype {
    associatedtype Command: Sendable
    associatedtype Event: Sendable
    associatedtype State: Sendable
    associatedtype Rejection: Error, CustomStringConvertible

    static var initial: State { get }

    /// The events that `command` leads to; none if there is nothing to do.
    ///
    /// Throws a rejection that only the caller need know of. What others must react to is an event.
    static func decide(_ command: Command, given state: State) throws(Rejection) -> [Event]

    static func evolve(_ state: inout State, with event: Event)

    /// Why `event` can't have been decided on in `state`: what always holds would be broken by it,
    /// or what it goes back to is not there. Nil if it can.
    ///
    /// So a past that did not happen is known for it. That something else would be decided on
    /// today, more money held for an order, say, is no objection.
    static func objection(to event: Event, given state: State) -> String?
}

extension Decider {
    public static func objection(to event: Event, given state: State) -> String? { nil }

    public static func fold(_ events: some Sequence<Event>, onto state: State? = nil) -> State {
        events.reduce(into: state ?? initial) { evolve(&$0, with: $1) }
    }
}

/// A decider whose state is one stream: `<category>-<id>`.
public protocol Aggregate: Decider where Event: PublishedEvent, State: Codable {
    static var category: String { get }
    /// Raise it when `State` or `evolve` changes: snapshots of another version are not used.
    static var stateVersion: Int { get }
    /// A snapshot of the state is kept after so many events more.
    static var snapshotInterval: Int { get }
    /// The id of the aggregate that the command is for.
    static func id(of command: Command) -> String
    /// Returns a function that puts the time of the decision into the command. Nil, the default, if
    /// the decision does not depend on the time.
    ///
    /// The runtime calls the result right before each decision, with the later of its clock and the
    /// log's last commit time.
    static func timed(_ command: Command) -> ((Timestamp) -> Command)?
}

extension Aggregate {
    public static var stateVersion: Int { 1 }
    public static var snapshotInterval: Int { 100 }
    public static func timed(_ command: Command) -> ((Timestamp) -> Command)? { nil }
}
