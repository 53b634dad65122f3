public import EventSourcing

/// An archive: a copy, in object storage, of the events that match a pattern.
public struct ArchiveDefinition: Codable, Hashable, Sendable {
    /// The archive's name: 1 to 64 letters, digits and `. - _`.
    public var name: String
    /// The event pattern, JSON, that events must match.
    ///
    /// Nil stands for the whole log with the bus's own events, so that the log can be restored from
    /// it.
    public var pattern: String?
    /// How many days after its time an event is kept: 0.001 to 36,500, or nil for ever.
    public var retentionDays: Double?
    /// The place of the archive: a folder, or `s3://<bucket>/<prefix>`.
    public var place: String
    /// The endpoint of the S3-compatible store, or nil for Amazon's.
    public var endpoint: String?

    /// Creates the definition of an archive.
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

    /// Why the definition is invalid, in one line, or nil. It does not check the pattern and the
    /// place.
    public var fault: String? {
        BusName.fault(name, of: "archive")
            ?? (0.001...36_500).fault(
                retentionDays, "an archive keeps events for 0.001 to 36500 days")
    }
}

/// An archive and its progress.
public struct ArchiveView: Codable, Hashable, Sendable {
    /// The archive's definition.
    public var archive: ArchiveDefinition
    /// The time at which the archive was created.
    public var createdAt: Timestamp
    /// The position up to which the archive has all matching events.
    public var checkpoint: UInt64
    /// The number of archived events.
    public var events: Int
    /// The number of archived segments.
    public var segments: Int
    /// The size of the stored segments, in bytes.
    public var storedBytes: Int
    /// Why the archive makes no progress, or nil. The bus keeps retrying.
    public var problem: String?

    /// Creates the view of an archive.
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
