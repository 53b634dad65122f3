/// A service's part in a saga: which commands it gives to its own aggregate when others' events
/// happen. Pure; the runtime around it delivers events in order, executes the commands exactly once
/// in effect, and keeps the states.
///
/// A value, not a type, so that it can carry what its reactions are a function of, such as a map.
public protocol Participant<Command>: Sendable, SendableMetatype {
    associatedtype Event: EventFamily
    /// The state that is remembered of one saga. Keep it small. It is a fold of the saga's events
    /// and of nothing else: if it is lost, the runtime folds it from the log again. It shows
    /// whether an event comes late, twice or after the end of the saga.
    associatedtype State: Codable & Hashable & Sendable
    associatedtype Command: Sendable

    /// Names the participant in the ids of the events it causes: never change it.
    static var name: String { get }
    static var initial: State { get }

    /// The saga that the event belongs to: the id of its order, say.
    static func saga(of event: Event) -> String
    /// Returns the tag that all events of the saga carry. The runtime finds them in the log by this
    /// tag if the saga is not remembered. Nil for a saga that needs no memory.
    static func tag(of saga: String) -> String?
    static func evolve(_ state: inout State, with event: Event)

    /// The commands that `event` leads to; `state` has the event in it already.
    ///
    /// - Throws: what keeps it from saying so now. The event comes again later, and those that wait
    ///   behind it with it; in the end it is a dead letter.
    func react(to event: Event, given state: State) throws -> [Command]

    /// Whether sagas may have deadlines. If so, a runtime without a memory searches the log for
    /// open sagas that have one. True by default.
    static var hasDeadlines: Bool { get }
    /// When the saga must have gone on, if it must by some time.
    static func deadline(of state: State) -> Timestamp?
    /// The commands that a passed deadline leads to.
    func expire(_ state: State) -> [Command]
}

extension Participant {
    public static var hasDeadlines: Bool { true }
    public static func deadline(of state: State) -> Timestamp? { nil }
    public func expire(_ state: State) -> [Command] { [] }
}
