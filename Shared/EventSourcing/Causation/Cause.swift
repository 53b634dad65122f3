/// Why events are about to be appended: what their ids derive from and what the trail will say.
public struct Cause: Sendable {
    /// The conversation.
    public var correlationID: EventID
    /// The event or command that led here.
    public var causationID: EventID
    /// The ids of the events derive from this: the same key and outcome, the same ids.
    public var key: EventID
    /// Who: a person and host, or a service.
    public var actor: String
    /// The trace that this is part of, if it is said to be.
    public var traceparent: TraceParent?
    /// Whether the same may have been attempted before, its answer lost.
    public var mayBeRepeat: Bool
    /// How often the event that led here has been delivered, this time included.
    public var deliveries: Int

    public init(
        correlationID: EventID, causationID: EventID, key: EventID, actor: String,
        traceparent: TraceParent? = nil, mayBeRepeat: Bool = false, deliveries: Int = 1
    ) {
        self.correlationID = correlationID
        self.causationID = causationID
        self.key = key
        self.actor = actor
        self.traceparent = traceparent
        self.mayBeRepeat = mayBeRepeat
        self.deliveries = deliveries
    }

    /// Returns the id of the event at `index` of the outcome.
    public func eventID(_ index: Int) -> EventID { key.derived(String(index)) }
}
