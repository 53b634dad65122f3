public import EventSourcing
public import ObjectStorage

/// Writes an archive: events of one log, in order, in sealed segments.
///
/// The writer uploads a segment before the manifest that lists it, and replaces the manifest as a
/// whole. So after a crash at any time, the archive has the segment or does not have it, and a
/// caller that continues after `checkpoint` archives every event once. A call that throws loses
/// nothing: the same writer or a new one can archive the appended events later.
///
/// Use one writer of an archive at a time, and make one call of it at a time.
public final class ArchiveWriter {
    /// The default size of a segment's records before compression, in bytes.
    public static let defaultSegmentBytes = ArchiveSegment.maximumBytes

    /// The manifest of what is archived.
    public private(set) var manifest: ArchiveManifest
    /// The position up to which events were appended. The last of them may not be archived yet.
    public private(set) var position: UInt64

    private let store: ArchiveStore
    private let segmentBytes: Int
    private var pending = PendingSegment()
    private var isBusy = false

    /// The position up to which every event is archived. Continue after it when the writer is
    /// opened again.
    public var checkpoint: UInt64 { manifest.checkpoint }

    /// The size of the records that wait to be sealed, in bytes.
    public var pendingBytes: Int { pending.bytes.count }

    /// Opens the archive, or creates it if it does not exist.
    ///
    /// - Parameters:
    ///   - from: the first position to archive, used for a new archive only.
    ///   - segmentBytes: the size of a segment's records before compression, 1 KiB to 8 MiB.
    /// - Throws: `otherLog` if the archive is of another log, or another `ArchiveError`.
    public init(
        in storage: any ObjectStorage, name: String, log: EventID, from: UInt64 = 1,
        segmentBytes: Int = defaultSegmentBytes
    ) async throws(ArchiveError) {
        precondition(
            (1 << 10...ArchiveSegment.maximumBytes).contains(segmentBytes),
            "a segment has 1 KiB to 8 MiB")
        precondition(from >= 1, "positions begin at 1")
        store = try ArchiveStore(storage, name: name)
        self.segmentBytes = segmentBytes
        if let found = try await store.manifest() {
            guard found.log == log else {
                throw .otherLog(archive: name, of: found.log, asked: log)
            }
            manifest = found
            try await store.removeLeftovers(of: found)
        } else {
            manifest = ArchiveManifest(
                name: name, log: log, version: 1, from: from, checkpoint: from - 1,
                segments: [])
            try await store.put(manifest)
        }
        position = manifest.checkpoint
    }

    /// Adds events in the order of their positions, and seals each segment that is full. Events up
    /// to `position` are ignored.
    ///
    /// - Parameter through: the position up to which every event of the archive was appended. The
    ///   default is the position of the last of `events`.
    /// - Throws: `damagedEvent` at an invalid event. The events before it were appended.
    public func append(
        _ events: some Sequence<RecordedEvent>, through: UInt64? = nil
    ) async throws(ArchiveError) {
        begin()
        defer { isBusy = false }
        for event in events where event.position > position {
            do { try event.verify() } catch {
                throw .damagedEvent(position: event.position, error)
            }
            if !pending.isEmpty, pending.bytes.count + event.bytes.count > segmentBytes {
                try await sealPending()
            }
            pending.append(event)
            position = event.position
        }
        position = max(position, through ?? 0)
    }

    /// Archives the appended events, and moves the checkpoint to `position`.
    public func seal() async throws(ArchiveError) {
        begin()
        defer { isBusy = false }
        if !pending.isEmpty {
            try await sealPending()
        } else if manifest.checkpoint < position {
            try await change { $0.checkpoint = position }
        }
    }

    /// Removes the segments whose last event is older than `time`: first from the manifest, then
    /// their objects.
    ///
    /// - Returns: the removed segments.
    @discardableResult
    public func expire(before time: Timestamp) async throws(ArchiveError) -> [ArchiveSegment] {
        begin()
        defer { isBusy = false }
        let expired = Array(manifest.segments.prefix { $0.lastTime < time })
        if let last = expired.last {
            try await change { manifest in
                manifest.segments.removeFirst(expired.count)
                manifest.from = last.through + 1
            }
        }
        // Also removes what an earlier call left behind.
        try await store.removeLeftovers(of: manifest)
        return expired
    }

    private func begin() {
        precondition(!isBusy, "an archive writer takes one call at a time")
        isBusy = true
    }

    private func sealPending() async throws(ArchiveError) {
        let (segment, object) = await pending.sealed(
            from: manifest.next, through: max(pending.last, position), log: manifest.log)
        let key = manifest.key(of: segment)
        try await storing(try await store.storage.put(object, at: key))
        try await change { manifest in
            manifest.segments.append(segment)
            manifest.checkpoint = segment.through
        }
        pending = PendingSegment()
    }

    private func change(_ body: (inout ArchiveManifest) -> Void) async throws(ArchiveError) {
        var changed = manifest
        changed.version += 1
        body(&changed)
        try await store.put(changed)
        manifest = changed
    }
}
