/// A service's part in a saga: it turns events of other services into commands for its own
/// aggregate.
///
/// It is pure. The runtime delivers events in order, executes each command exactly once in effect,
/// and stores the states.
///
/// A participant is a value and not a type, so that it can hold what its reactions depend on, such
/// as a map.
public protocol Participant<Command>: Sendable, SendableMetatype {
    /// The events that the participant reacts to.
    associatedtype Event: EventFamily
    /// The state of one saga. Keep it small.
    ///
    /// It must depend on the saga's events only: if it is lost, the runtime folds it from the log
    /// again. It shows whether an event comes late, twice or after the end of the saga.
    associatedtype State: Codable & Hashable & Sendable
    /// The commands that the participant sends to its aggregate.
    associatedtype Command: Sendable

    /// The participant's name, which is part of the ids of the events that it causes. Never change
    /// it.
    static var name: String { get }
    /// The state before the first event.
    static var initial: State { get }

    /// Returns the saga that the event belongs to, for example the id of its order.
    static func saga(of event: Event) -> String
    /// Returns the tag that all events of the saga have, or nil for a saga that needs no memory.
    ///
    /// The runtime finds the events in the log by this tag if it does not have the saga's state.
    static func tag(of saga: String) -> String?
    /// Applies an event to the state.
    static func evolve(_ state: inout State, with event: Event)

    /// Returns the commands that `event` leads to. The state includes the event already.
    ///
    /// - Throws: an error that prevents the reaction for now. The event is redelivered later,
    ///   before the events that wait behind it. At the limit of the retry policy it becomes a dead
    ///   letter.
    func react(to event: Event, given state: State) throws -> [Command]

    /// Whether sagas may have deadlines. The default is true.
    ///
    /// If true, a runtime without a memory searches the log for open sagas that have one.
    static var hasDeadlines: Bool { get }
    /// Returns the time by which the saga must make progress, or nil for no deadline.
    static func deadline(of state: State) -> Timestamp?
    /// Returns the commands that an expired deadline leads to.
    func expire(_ state: State) -> [Command]
}

extension Participant {
    /// True.
    public static var hasDeadlines: Bool { true }
    /// Returns nil: no deadline.
    public static func deadline(of state: State) -> Timestamp? { nil }
    /// Returns no commands.
    public func expire(_ state: State) -> [Command] { [] }
}
