import EventSourcing

/// Builds segments from records as the log does: append by append, as many as fit.
struct SegmentBuilder {
    private let log: EventID
    private let salt: UInt64
    private let segmentBytes: Int
    private var segment: BuiltSegment
    /// The records of an append whose last record was not added yet.
    private var pending: (bytes: [UInt8], count: UInt64, archived: Int) = ([], 0, 0)

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
        pending.bytes += record
        pending.count += 1
        if isArchived { pending.archived += 1 }
        let flags = record[record.startIndex + RecordLayout.flags]
        guard flags & RecordLayout.moreOfAppend == 0 else { return nil }
        let full = segment.bytes.count + pending.bytes.count > segmentBytes ? finish() : nil
        segment.bytes += pending.bytes
        segment.count += pending.count
        segment.archived += pending.archived
        pending = ([], 0, 0)
        return full
    }

    /// Returns the segment in progress if it has an event. It has nothing of an incomplete append.
    mutating func finish() -> BuiltSegment? {
        guard segment.count > 0 else { return nil }
        var full = segment
        segment = BuiltSegment(base: full.next)
        let header = SegmentHeader(
            base: full.base, log: log, salt: salt, fileSize: max(segmentBytes, full.bytes.count))
        var records = Array(full.bytes.dropFirst(SegmentHeader.size))
        records.toggleBinding(header.binding, storedAt: SegmentHeader.size)
        full.bytes = header.bytes + records
        return full
    }
}

/// The bytes of a segment's file, as the builder fills them.
struct BuiltSegment {
    let base: UInt64
    /// The number of its events.
    var count: UInt64 = 0
    /// How many of its events came from the archive.
    var archived = 0
    /// The file's bytes, without the zeros after the last record.
    var bytes = [UInt8](repeating: 0, count: SegmentHeader.size)

    /// The position after its last event.
    var next: UInt64 { base + count }
}
