/// The limits of a record and of an append. The store rejects what exceeds them.
public enum Limits {
    /// The longest stream name, event type, content type or tag, in bytes.
    public static let nameBytes = 255
    /// The largest number of tags of an event.
    public static let tags = 64
    /// The largest record in bytes, with its header and padding.
    public static let recordBytes = 1 << 20
    /// The largest number of events in one append.
    public static let appendEvents = 10_000
    /// The largest size of all records in one append, in bytes.
    public static let appendBytes = 8 << 20
    /// The largest argument of a call, except of an amendment, in bytes.
    public static let argumentBytes = 512 << 10
    /// The largest argument of an amendment, which may have the data of a record, in bytes.
    public static let amendmentBytes = 2 << 20
}
