/// What a record and an append may hold at the most; beyond it they are refused.
public enum Limits {
    /// Bytes in a stream name, an event type, a content type or a tag.
    public static let nameBytes = 255
    /// Tags of one event.
    public static let tags = 64
    /// Bytes of one record, its header and padding included.
    public static let recordBytes = 1 << 20
    /// Events in one append.
    public static let appendEvents = 10_000
    /// Bytes of all records in one append.
    public static let appendBytes = 8 << 20
}
