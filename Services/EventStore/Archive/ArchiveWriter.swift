public import EventSourcing
public import ObjectStorage

/// Writes an archive: the events of one log that its owner gives, in order, in sealed segments.
///
/// A segment is put before the manifest that lists it, and the manifest is replaced as a whole:
/// after a crash at any moment the archive is the one before the segment or the one with it.
/// Whoever goes on behind `checkpoint` then archives every event once. When a call throws, nothing
/// is lost: what was appended is still there to be sealed, by the same writer or by one that is
/// made anew.
///
/// One writer at a time, and one call of it at a time.
public final class ArchiveWriter {
    public static let defaultSegmentBytes = 8 << 20

    /// What is archived.
    public private(set) var manifest: ArchiveManifest
    /// Everything up to this position has been given; the last of it may not be archived yet.
    public private(set) var position: UInt64

    private let store: ArchiveStore
    private let segmentBytes: Int
    private var pending = PendingSegment()
    private var isBusy = false

    /// Every event up to this position is archived: after a crash, go on behind it.
    public var checkpoint: UInt64 { manifest.checkpoint }

    /// Bytes of records that wait to be sealed.
    public var pendingBytes: Int { pending.bytes.count }

    /// Opens the archive, made if it is not there.
    ///
    /// - Parameters:
    ///   - from: of a new archive, the first position to archive.
    ///   - segmentBytes: the size of a segment's records before compression, 1 KiB to 1 GiB.
    /// - Throws: `otherLog` if the archive is of another log.
    public init(
        in storage: any ObjectStorage, name: String, log: EventID, from: UInt64 = 1,
        segmentBytes: Int = defaultSegmentBytes
    ) async throws(ArchiveError) {
        precondition((1 << 10...1 << 30).contains(segmentBytes), "a segment has 1 KiB to 1 GiB")
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

    /// Takes events, in the order of their positions; those that it has, it has already taken. When
    /// a segment is full, it is sealed.
    ///
    /// - Parameter through: up to here, every event that is to be archived has been given; the
    ///   position of the last of `events`, if not given.
    /// - Throws: `damagedEvent` at an event that does not check. What came before it has been
    ///   taken.
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

    /// Archives what was appended, and moves the checkpoint to `position`.
    public func seal() async throws(ArchiveError) {
        begin()
        defer { isBusy = false }
        if !pending.isEmpty {
            try await sealPending()
        } else if manifest.checkpoint < position {
            try await change { $0.checkpoint = position }
        }
    }

    /// Lets go of the segments whose last event is older than `time`: first in the manifest, then
    /// of their objects.
    ///
    /// - Returns: the segments that were let go.
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
        // Also what an earlier call has not come to remove.
        try await store.removeLeftovers(of: manifest)
        return expired
    }

    private func begin() {
        precondition(!isBusy, "one call of an archive's writer at a time")
        isBusy = true
    }

    private func sealPending() async throws(ArchiveError) {
        let (segment, object) = await pending.sealed(
            from: manifest.next, through: max(pending.last, position), log: manifest.log)
        let key = manifest.key(of: segment)
        try await storing { () async throws(ObjectStorageError) in
            try await store.storage.put(object, at: key)
        }
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
