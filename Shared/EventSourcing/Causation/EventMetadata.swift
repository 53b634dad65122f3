import JSON

/// The metadata of an event: who caused it, at which attempt, in which trace, by which command.
public struct EventMetadata: Codable, Hashable, Sendable {
    /// The person and host, or the service, that caused the event.
    public var actor: String
    /// The number of the delivery that led to the event, or nil for the first delivery.
    public var attempt: Int?
    /// The text of the ``TraceParent`` that came with the cause.
    public var traceparent: String?
    /// The ``CommandDigest`` of the command, or nil if no caller's command led to the event.
    public var digest: String?

    /// Creates metadata.
    public init(
        actor: String, attempt: Int? = nil, traceparent: String? = nil, digest: String? = nil
    ) {
        self.actor = actor
        self.attempt = attempt
        self.traceparent = traceparent
        self.digest = digest
    }

    /// Reads the metadata of an event. Returns nil if it has none of this form.
    public init?(of event: RecordedEvent) {
        guard let noted = try? JSON.decode(Self.self, from: event.metadata) else { return nil }
        self = noted
    }

    /// Creates the metadata of the events that `cause` leads to.
    public init(_ cause: Cause) {
        self.init(
            actor: cause.actor, attempt: cause.deliveries > 1 ? cause.deliveries : nil,
            traceparent: cause.traceparent?.description, digest: cause.digest)
    }

    /// Returns the metadata as JSON. Equal metadata has equal bytes, because an event that is
    /// appended again must not differ.
    public func encoded() throws -> [UInt8] { try JSON.encode(self) }
}

extension RecordedEvent {
    /// The trace parent in the metadata, or nil if it is missing or malformed.
    public var traceparent: TraceParent? {
        // Most events have no trace parent. Shorter metadata can't hold one, so it is not decoded.
        guard metadata.count > TraceParent.length else { return nil }
        return EventMetadata(of: self)?.traceparent.flatMap(TraceParent.init)
    }
}
