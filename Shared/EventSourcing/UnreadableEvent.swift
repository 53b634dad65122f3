/// The error of an event that a reader can't read: it does not know the type, the data does not fit
/// the type, or the data belongs to another stream.
///
/// A reader must not pass over such an event: without it, its state would be wrong.
public struct UnreadableEvent: ClassifiedError, Codable, Hashable {
    /// The longest reason, in characters. The data of an event can make an error very long.
    private static let reasonLength = 300

    /// The position of the event in the log.
    public var position: UInt64
    /// The id of the event.
    public var id: EventID
    /// The type of the event.
    public var type: String
    /// The stream that holds the event.
    public var stream: StreamName
    /// Why the reader can't read the event, in one line.
    public var reason: String

    /// Creates the error for the event in `record`.
    ///
    /// - Parameter reason: why the event can't be read. The error has it in one line, shortened to
    ///   300 characters.
    public init(_ record: RecordedEvent, _ reason: String) {
        position = record.position
        id = record.id
        type = record.type
        stream = record.stream
        let line = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
        let isLong = line.count > Self.reasonLength
        self.reason = isLong ? line.prefix(Self.reasonLength) + "…" : line
    }

    /// Returns the error of an event whose type the reader does not know.
    public static func unknownType(
        of record: RecordedEvent, reader: Any.Type
    ) -> UnreadableEvent {
        UnreadableEvent(record, "\(reader) does not know this type")
    }

    /// Always `unreadable`.
    public var kind: DaybookError.Kind { .unreadable }

    /// The event, why it can't be read, and what to do about it, in one line.
    public var description: String {
        "event \(id) (\(type) at position \(position) of stream \(stream)) can't be read: "
            + "\(reason); correct it with 'event-store amend \(id) --reason TEXT', or run a "
            + "version that can read it"
    }
}
