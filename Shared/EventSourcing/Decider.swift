/// The decisions of an aggregate, as pure functions of its past (Jérémie Chassaing, "Functional
/// Event Sourcing Decider", 2021).
///
/// Conform a caseless enum: nothing can be injected into it, so it stays pure. Time, identity and
/// everything else from outside arrive in the commands.
public protocol Decider: SendableMetatype {
    /// The commands that the aggregate decides on.
    associatedtype Command: Sendable
    /// The events that it decides.
    associatedtype Event: Sendable
    /// The state that its past events add up to.
    associatedtype State: Sendable
    /// The error of a rejected command.
    associatedtype Rejection: Error, CustomStringConvertible

    /// The state before the first event.
    static var initial: State { get }

    /// Returns the events that `command` leads to, or none if there is nothing to do.
    ///
    /// - Throws: a rejection that only the caller needs to know. If others must react, return an
    ///   event instead.
    static func decide(_ command: Command, given state: State) throws(Rejection) -> [Event]

    /// Applies an event to the state.
    static func evolve(_ state: inout State, with event: Event)

    /// Returns why `event` can't happen in `state`, or nil if it can.
    ///
    /// An event can't happen if it breaks an invariant, or if it refers to something that does not
    /// exist. Such an objection means that the hypothetical past is impossible. A different
    /// decision is not an objection, for example a larger hold for an order.
    static func objection(to event: Event, given state: State) -> String?
}

extension Decider {
    /// Returns nil: by default every event can happen.
    public static func objection(to event: Event, given state: State) -> String? { nil }

    /// Returns the state after the events, starting from `state` or the initial state.
    public static func fold(_ events: some Sequence<Event>, onto state: State? = nil) -> State {
        events.reduce(into: state ?? initial) { evolve(&$0, with: $1) }
    }
}

/// A decider whose state is one stream, `<category>-<id>`.
public protocol Aggregate: Decider where Event: PublishedEvent, State: Codable {
    /// The category of the aggregate's streams.
    static var category: String { get }
    /// The version of `State` and `evolve`. Raise it when either changes: snapshots of another
    /// version are ignored.
    static var stateVersion: Int { get }
    /// The number of events after which the runtime stores a new snapshot of the state.
    static var snapshotInterval: Int { get }
    /// Returns the id of the aggregate that the command is for.
    static func id(of command: Command) -> String
    /// Returns a function that puts the time of the decision into the command. Nil, the default, if
    /// the decision does not depend on the time.
    ///
    /// The runtime calls the result right before each decision, with the later of its clock and the
    /// log's last commit time.
    static func timed(_ command: Command) -> ((Timestamp) -> Command)?
}

extension Aggregate {
    /// Version 1.
    public static var stateVersion: Int { 1 }
    /// 100 events.
    public static var snapshotInterval: Int { 100 }
    /// Returns nil: by default decisions do not depend on the time.
    public static func timed(_ command: Command) -> ((Timestamp) -> Command)? { nil }
}
