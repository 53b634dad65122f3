/// The cause of events that are about to be appended.
///
/// Their ids derive from it, and their metadata records it.
public struct Cause: Sendable {
    /// The conversation that the events belong to.
    public var correlationID: EventID
    /// The event or command that leads to the events.
    public var causationID: EventID
    /// The id that the ids of the events derive from. The same key and outcome give the same ids.
    public var key: EventID
    /// The person and host, or the service, that caused the events.
    public var actor: String
    /// The trace context of the caller, or nil if it gave none.
    public var traceparent: TraceParent?
    /// Whether an earlier attempt may have succeeded without its answer arriving.
    public var mayBeRepeat: Bool
    /// How often the causing event was delivered, this time included. 1 for a command.
    public var deliveries: Int
    /// The ``CommandDigest`` of the caller's command. Nil for a participant's command, whose id
    /// derives from its event, and which may differ when the event comes again.
    public var digest: String?
    /// The time until which the caller waits, or nil if it did not say. The command must not take
    /// effect later.
    public var deadline: Timestamp?

    /// Creates a cause.
    public init(
        correlationID: EventID, causationID: EventID, key: EventID, actor: String,
        traceparent: TraceParent? = nil, mayBeRepeat: Bool = false, deliveries: Int = 1,
        digest: String? = nil, deadline: Timestamp? = nil
    ) {
        self.correlationID = correlationID
        self.causationID = causationID
        self.key = key
        self.actor = actor
        self.traceparent = traceparent
        self.mayBeRepeat = mayBeRepeat
        self.deliveries = deliveries
        self.digest = digest
        self.deadline = deadline
    }

    /// Returns the id of the event at `index` of the outcome.
    public func eventID(_ index: Int) -> EventID { key.derived(String(index)) }
}
