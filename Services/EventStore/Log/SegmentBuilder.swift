import EventSourcing

/// Builds segments from records as the log does: append by append, as many as fit.
struct SegmentBuilder {
    private let log: EventID
    private let salt: UInt64
    private let segmentBytes: Int
    private var segment: BuiltSegment
    /// The records of an append whose last record was not added yet.
    private var pending: [UInt8] = []
    private var pendingCount: UInt64 = 0
    private var pendingArchived = 0

    init(log: EventID, salt: UInt64, base: UInt64, segmentBytes: Int) {
        self.log = log
        self.salt = salt
        self.segmentBytes = segmentBytes
        segment = BuiltSegment(base: base)
    }

    /// The position after the last complete append.
    var next: UInt64 { segment.next }

    /// Adds the next record, with its unmasked checksum. If its append does not fit any more,
    /// returns the full segment and starts another.
    mutating func add(_ record: ArraySlice<UInt8>, isArchived: Bool) -> BuiltSegment? {
        pending += record
        pendingCount += 1
        if isArchived { pendingArchived += 1 }
        let flags = record[record.startIndex + RecordLayout.flags]
        guard flags & RecordLayout.moreOfAppend == 0 else { return nil }
        let full = segment.bytes.count + pending.count > segmentBytes ? finish() : nil
        segment.bytes += pending
        segment.next += pendingCount
        segment.archived += pendingArchived
        pending.removeAll(keepingCapacity: true)
        (pendingCount, pendingArchived) = (0, 0)
        return full
    }

    /// Returns the segment in progress if it has an event. It has nothing of an incomplete append.
    mutating func finish() -> BuiltSegment? {
        guard segment.next > segment.base else { return nil }
        defer { segment = BuiltSegment(base: segment.next) }
        segment.complete(log: log, salt: salt, segmentBytes: segmentBytes)
        return segment
    }
}

/// The bytes of a segment's file, as the builder fills them.
struct BuiltSegment {
    let base: UInt64
    /// The position after its last event.
    var next: UInt64
    /// How many of its events came from the archive.
    var archived = 0
    /// The file's bytes, without the zeros after the last record.
    var bytes = [UInt8](repeating: 0, count: SegmentHeader.size)
    /// The size of the finished file, in bytes.
    private(set) var fileSize = 0

    init(base: UInt64) {
        self.base = base
        next = base
    }

    /// Writes the header, and binds the records to their places.
    fileprivate mutating func complete(log: EventID, salt: UInt64, segmentBytes: Int) {
        fileSize = max(segmentBytes, bytes.count)
        let header = SegmentHeader(base: base, log: log, salt: salt, fileSize: fileSize)
        var records = Array(bytes.dropFirst(SegmentHeader.size))
        records.toggleBinding(header.binding, storedAt: SegmentHeader.size)
        bytes = header.bytes + records
    }
}
