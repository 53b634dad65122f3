/// A stream, with its first and last event.
public struct StreamEntry: Codable, Hashable, Sendable {
    /// The name of the stream.
    public var stream: StreamName
    /// The position of its first event.
    public var first: UInt64
    /// The time of its first event.
    public var createdAt: Timestamp
    /// The position of its last event.
    public var last: UInt64
    /// The time of its last event.
    public var changedAt: Timestamp
    /// The revision of its last event, from 0.
    public var revision: UInt64

    /// Creates the entry of the stream that begins with `first` and ends with `last`.
    public init(from first: RecordedEvent, to last: RecordedEvent) {
        stream = first.stream
        self.first = first.position
        createdAt = first.occurredAt
        self.last = last.position
        changedAt = last.occurredAt
        revision = last.revision
    }
}
