/// An aggregate that can reverse some of its events with a command.
///
/// The aggregate decides on that command like on others, so its invariants hold.
public protocol Reversible: Aggregate {
    /// Returns the command that undoes an event.
    ///
    /// - Throws: a rejection if the event can no longer be undone.
    static func reversal(of past: PastDecision<Self>) throws(Rejection) -> Command

    /// Returns how the reversal of the event with this id has ended with `event`, or nil if it goes
    /// on.
    ///
    /// - Parameter event: the event that the reversal appended, or a later one of its stream.
    static func outcome(ofReversing reversed: EventID, in event: Event) -> ReversalOutcome?
}

extension Reversible {
    /// Returns `reversed`: by default the reversal ends with the event that it appends.
    public static func outcome(
        ofReversing reversed: EventID, in event: Event
    ) -> ReversalOutcome? { .reversed }
}

/// How a reversal has ended. A reversal in which other services take part ends later than its
/// command.
public enum ReversalOutcome: Hashable, Sendable {
    /// The event is reversed.
    case reversed
    /// The event still stands, for this reason.
    case rejected(String)
}

/// An event to reverse, with the history of its aggregate.
public struct PastDecision<Subject: Aggregate>: Sendable {
    /// The event to reverse.
    public var event: Subject.Event
    /// The id of the event.
    public var id: EventID
    /// Why the event is reversed, for the audit trail.
    public var reason: String
    /// The state of the aggregate before the event.
    public var before: Subject.State
    /// The events of the aggregate after it.
    public var since: [Subject.Event]

    /// Creates the input of a reversal.
    public init(
        _ event: Subject.Event, id: EventID, reason: String, before: Subject.State,
        since: [Subject.Event]
    ) {
        self.event = event
        self.id = id
        self.reason = reason
        self.before = before
        self.since = since
    }
}

extension PastDecision {
    /// The rejection of a reversal that the aggregate has no command for.
    public var irreversible: DaybookError { .rejected("\(event.type) can't be reversed") }
}

extension Reversible where Rejection == DaybookError {
    /// Throws: by default no command undoes an event.
    public static func reversal(of past: PastDecision<Self>) throws(DaybookError) -> Command {
        throw past.irreversible
    }
}

extension EventID {
    private static let reversalPrefix = "reverses:"

    /// The tag of the event that reverses the event of this id.
    public var reversalTag: String { Self.reversalPrefix + description }

    /// Reads the id of the reversed event from a tag, or returns nil for another tag.
    public init?(reversalTag tag: String) {
        guard tag.hasPrefix(Self.reversalPrefix) else { return nil }
        self.init(String(tag.dropFirst(Self.reversalPrefix.count)))
    }
}
