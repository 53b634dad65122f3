import Bytes
import EventSourcing

/// The events of the next segment, which are not archived yet.
struct PendingSegment: Sendable {
    /// The records, back to back.
    private(set) var bytes: [UInt8] = []
    private(set) var last: UInt64 = 0
    private var first: UInt64 = 0
    private var firstTime = Timestamp(microseconds: 0)
    private var lastTime = Timestamp(microseconds: 0)
    private var events: UInt32 = 0

    var isEmpty: Bool { events == 0 }

    mutating func append(_ event: RecordedEvent) {
        if isEmpty { (first, firstTime) = (event.position, event.occurredAt) }
        // History may be older than the events before it, but no event is after its commit.
        firstTime = min(firstTime, event.occurredAt)
        (last, lastTime) = (event.position, event.time)
        bytes += event.bytes
        events += 1
    }

    /// Compresses the segment and returns its object. It runs on another thread, because
    /// compressing takes time.
    @concurrent func sealed(
        from: UInt64, through: UInt64, log: EventID
    ) async -> (segment: ArchiveSegment, object: [UInt8]) {
        let compressed = Zlib.compressed(bytes).flatMap { $0.count < bytes.count ? $0 : nil }
        let stored = compressed ?? bytes
        let segment = ArchiveSegment(
            from: from, through: through, first: first, last: last, firstTime: firstTime,
            lastTime: lastTime, events: events, codec: compressed == nil ? .stored : .zlib,
            storedBytes: UInt32(stored.count),
            storedChecksum: CRC32C.checksum(stored.span),
            bytes: UInt32(bytes.count), checksum: CRC32C.checksum(bytes.span))
        return (segment, ArchiveSegmentHeader.bytes(of: segment, log: log) + stored)
    }
}
