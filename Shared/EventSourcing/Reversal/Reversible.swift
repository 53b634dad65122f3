/// An event that says how it is reversed. Nothing is taken out of the log: what happened is undone
/// by what happens next.
public protocol ReversibleEvent: PublishedEvent {
    /// The event that this one reverses, if it does.
    var reverses: EventID? { get }

    /// The services that may have reacted to what happened, and may react to its reversal.
    static var services: [String] { get }

    /// Why `service` does not reverse it, with what to do instead; nil if it does.
    func obstacle(toReversalBy service: String) -> String?
}

/// An aggregate some of whose events can be reversed, by a command that is decided on like others:
/// so what always holds, holds.
public protocol Reversible: Aggregate where Event: ReversibleEvent {
    /// The command that undoes an event.
    ///
    /// - Throws: if nothing undoes it any more.
    static func reversal(of past: PastDecision<Self>) throws(Rejection) -> Command
}

/// An event that is to be reversed, among the others of its aggregate.
public struct PastDecision<Subject: Aggregate>: Sendable {
    public var event: Subject.Event
    public var id: EventID
    /// Why it is to be reversed.
    public var reason: String
    /// What the aggregate was before it.
    public var before: Subject.State
    /// What has happened to the aggregate since.
    public var since: [Subject.Event]

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

extension EventID {
    private static let reversalPrefix = "reverses:"

    /// The tag of what reverses the event of this id.
    public var reversalTag: String { Self.reversalPrefix + description }

    /// The event whose reversal the tag tells of; nil for another tag.
    public init?(reversalTag tag: String) {
        guard tag.hasPrefix(Self.reversalPrefix) else { return nil }
        self.init(String(tag.dropFirst(Self.reversalPrefix.count)))
    }
}
