/// The fields of an event that queries look at. Each is decoded once, however many items ask for
/// it.
public struct QueriedFields {
    private let event: RecordedEvent

    /// The stream that holds the event.
    public private(set) lazy var stream = event.stream
    /// The category of the stream.
    public private(set) lazy var category = stream.category
    /// The name of the event's type.
    public private(set) lazy var type = event.type
    /// The event's tags.
    public private(set) lazy var tags = event.tags
    /// The conversation that the event belongs to.
    public var correlationID: EventID { event.correlationID }

    /// Creates the fields of `event`.
    public init(of event: RecordedEvent) { self.event = event }
}
