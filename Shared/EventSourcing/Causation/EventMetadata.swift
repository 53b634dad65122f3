import JSON

/// What is noted about an event beside what it says.
public struct EventMetadata: Codable, Hashable, Sendable {
    /// Who caused it.
    public var actor: String
    /// At which delivery of its cause it was decided on, if that was not the first.
    public var attempt: Int?
    /// The ``TraceParent`` that was handed on with what caused it.
    public var traceparent: String?

    public init(actor: String, attempt: Int? = nil, traceparent: String? = nil) {
        self.actor = actor
        self.attempt = attempt
        self.traceparent = traceparent
    }

    /// Nil if nothing of the kind is noted about the event.
    public init?(of event: RecordedEvent) {
        guard let noted = try? JSON.decode(Self.self, from: event.metadata) else { return nil }
        self = noted
    }

    /// What is noted about the events that the cause leads to.
    public init(_ cause: Cause) {
        self.init(
            actor: cause.actor, attempt: cause.deliveries > 1 ? cause.deliveries : nil,
            traceparent: cause.traceparent?.description)
    }

    /// The same bytes for the same metadata: an event that is appended again must not differ.
    public func encoded() throws -> [UInt8] { try JSON.encode(self) }
}

extension RecordedEvent {
    /// That of its metadata; nil for none, and for what others have put there that is none.
    public var traceparent: TraceParent? {
        // Most events have none, and what is shorter can't hold one.
        guard metadata.count > TraceParent.length else { return nil }
        return EventMetadata(of: self)?.traceparent.flatMap(TraceParent.init)
    }
}
