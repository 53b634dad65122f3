import EventSourcing

/// Puts records together to segments as the log does: append by append, as many as fit.
struct SegmentBuilder {
    private let log: EventID
    private let segmentBytes: Int
    private var segment: BuiltSegment
    /// The records of an append whose last one has not come.
    private var pending: [UInt8] = []
    private var pendingCount: UInt64 = 0
    private var pendingArchived = 0

    init(log: EventID, base: UInt64, segmentBytes: Int) {
        self.log = log
        self.segmentBytes = segmentBytes
        segment = BuiltSegment(log: log, base: base)
    }

    /// The position behind the last complete append.
    var next: UInt64 { segment.next }

    /// Takes the next record, and gives the segment that is full with that.
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

    /// The segment that was begun, if it has an event. Of an append that is not complete, nothing
    /// is in it.
    mutating func finish() -> BuiltSegment? {
        guard segment.next > segment.base else { return nil }
        defer { segment = BuiltSegment(log: log, base: segment.next) }
        return segment
    }
}

struct BuiltSegment {
    let base: UInt64
    /// The position behind its last event.
    var next: UInt64
    /// How many of its events came from the archive.
    var archived = 0
    var bytes: [UInt8]

    init(log: EventID, base: UInt64) {
        self.base = base
        next = base
        bytes = SegmentHeader(base: base, log: log).bytes
    }
}
