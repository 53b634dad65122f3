public import EventSourcing

/// An archive: a copy, in object storage, of the events that match a pattern.
public struct ArchiveDefinition: Codable, Hashable, Sendable {
    /// 1 to 64 letters, digits and `. - _`.
    public var name: String
    /// An event pattern, JSON; nil for the whole log, the bus's own events included, which can then
    /// be restored from it.
    public var pattern: String?
    /// Events are kept for so many days behind their time; nil for good.
    public var retentionDays: Double?
    /// A folder, or `s3://<bucket>/<prefix>`.
    public var place: String
    /// Where the S3-compatible store is; nil for Amazon's.
    public var endpoint: String?

    public init(
        name: String, pattern: String? = nil, retentionDays: Double? = nil, place: String,
        endpoint: String? = nil
    ) {
        self.name = name
        self.pattern = pattern
        self.retentionDays = retentionDays
        self.place = place
        self.endpoint = endpoint
    }

    /// What is wrong with it beside its pattern and place, in one line; nil if nothing is.
    public var fault: String? {
        if let fault = BusName.fault(name, of: "archive") { return fault }
        if let retentionDays, !(0.001...36_500).contains(retentionDays) {
            return "an archive keeps events for 0.001 to 36500 days, not \(retentionDays)"
        }
        return nil
    }
}

/// An archive, and how far it is.
public struct ArchiveView: Codable, Hashable, Sendable {
    public var archive: ArchiveDefinition
    public var createdAt: Timestamp
    /// Every matching event up to here is in the archive.
    public var checkpoint: UInt64
    /// How many events it has, in how many segments, of how many bytes as they are stored.
    public var events: Int
    public var segments: Int
    public var storedBytes: Int
    /// Why it does not go on, if it does not; it is tried again.
    public var problem: String?

    public init(
        archive: ArchiveDefinition, createdAt: Timestamp, checkpoint: UInt64, events: Int,
        segments: Int, storedBytes: Int, problem: String?
    ) {
        self.archive = archive
        self.createdAt = createdAt
        self.checkpoint = checkpoint
        self.events = events
        self.segments = segments
        self.storedBytes = storedBytes
        self.problem = problem
    }
}
