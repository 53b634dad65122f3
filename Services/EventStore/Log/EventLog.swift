public import EventSourcing

/// The durable, append-only log: segments of records in a folder.
///
/// Appends are staged, each checked against everything before it, and committed in groups with one
/// write and one sync. Staged events are seen by later conditions but by no reader; committed ones
/// are on disk. Whoever owns the log is its only writer and reader.
///
/// An append that a crash cut short is gone as a whole when the log is opened again: it was not
/// acknowledged. Damage anywhere else is reported with its place, and nothing is opened over it.
public struct EventLog: ~Copyable {
    /// The identity of the log, made with it: positions mean something in this log only.
    public let id: EventID
    /// The position of the last committed event, or 0.
    public internal(set) var head: UInt64

    let storage: any LogStorage
    let segmentBytes: Int
    private let now: () -> Timestamp
    var segments: [SegmentIndex]
    /// The records staged since the last commit; they go behind what the last segment has on disk.
    var group: [UInt8] = []
    private var hasFailed = false

    /// Opens the log in `storage`, made anew if there is none.
    ///
    /// - Parameters:
    ///   - segmentBytes: the size of the files; an append must fit into one.
    ///   - now: the clock. Commit times follow it, but never go back.
    public init(
        in storage: any LogStorage, segmentBytes: Int = 64 << 20, newID: EventID = .random(),
        now: @escaping () -> Timestamp
    ) throws(LogError) {
        precondition((1024...1 << 31).contains(segmentBytes), "a segment has 1 KiB to 2 GiB")
        self.storage = storage
        self.segmentBytes = segmentBytes
        self.now = now
        let opened = try Recovery.open(storage, newID: newID, segmentBytes: segmentBytes)
        id = opened.id
        segments = opened.segments
        head = opened.segments.last.map { $0.nextPosition - 1 } ?? 0
    }

    /// The position that the next staged event gets.
    var nextPosition: UInt64 { segments.last.map(\.nextPosition) ?? 1 }

    /// Checks the append of `records`, whole records back to back, and stages its events.
    ///
    /// - Returns: where they will be once `commit` has returned; for a repeated append, where they
    ///   are, or will be, since the first time.
    public mutating func stage(
        _ records: Span<UInt8>, _ condition: AppendCondition = .any
    ) throws(AppendError) -> Appended {
        guard !hasFailed else { throw .log(.failed) }
        let headers = try Admission.headers(of: records, segmentBytes: segmentBytes)
        if let repeated = try repetition(of: records, headers) { return repeated }
        try check(condition)
        if (segments.last?.end ?? segmentBytes) + records.count > segmentBytes {
            do {
                try commit()
                try startSegment()
            } catch {
                hasFailed = true
                throw .log(error)
            }
        }
        return try place(records, headers)
    }

    /// Makes what is staged durable, with one write and one sync.
    ///
    /// - Returns: the records committed, as they are on disk.
    /// - Throws: when that fails. The log is then of no more use, and must be opened again: what the
    ///   system holds of a file whose sync has failed can't be trusted.
    @discardableResult
    public mutating func commit() throws(LogError) -> [UInt8] {
        guard !hasFailed else { throw .failed }
        guard !group.isEmpty, let segment = segments.last else { return [] }
        let (storage, committed) = (storage, group)
        do throws(StorageError) {
            try storage.write(
                segment.name, committed.span, at: segment.end - committed.count)
            try storage.sync(segment.name)
        } catch {
            hasFailed = true
            throw .storage(error)
        }
        group.removeAll(keepingCapacity: true)
        head = nextPosition - 1
        return committed
    }

    private mutating func startSegment() throws(LogError) {
        let base = nextPosition
        let name = SegmentHeader.name(base: base)
        let header = SegmentHeader(base: base, log: id).bytes
        let (storage, size) = (storage, segmentBytes)
        // A file is a segment only under its own name, which it gets when its header is on disk.
        let temporary = name + ".new"
        try storing { () throws(StorageError) in
            try storage.create(temporary, size: size)
            try storage.write(temporary, header.span, at: 0)
            try storage.sync(temporary)
            try storage.rename(temporary, to: name)
        }
        segments.append(
            SegmentIndex(name: name, base: base, lastTime: segments.last?.lastTime ?? -1))
    }

    /// Fills in what is the store's part of the records, and stages them.
    private mutating func place(
        _ records: Span<UInt8>, _ headers: [RecordHeader]
    ) throws(AppendError) -> Appended {
        let places = try places(for: headers, in: records)
        let first = nextPosition
        let last = segments.count - 1
        let time = max(now().microseconds, segments[last].lastTime &+ 1)
        var offset = 0
        for (index, header) in headers.enumerated() {
            let start = group.count
            let record = records.extracting(offset..<offset + header.length)
            var flags: UInt8 = index < headers.count - 1 ? RecordLayout.moreOfAppend : 0
            if start == 0 { flags |= RecordLayout.startsCommit }
            unsafe record.withUnsafeBufferPointer { unsafe group.append(contentsOf: $0) }
            group.set(UInt64(first) + UInt64(index), at: start + RecordLayout.position)
            group.set(places[index].previous, at: start + RecordLayout.previousInCategory)
            group.set(places[index].revision, at: start + RecordLayout.revision)
            group.set(time + Int64(index), at: start + RecordLayout.time)
            group.set(flags, at: start + RecordLayout.flags)
            let sum = RecordHeader.headChecksum(
                of: group.span.extracting(start..<start + RecordLayout.headSize))
            group.set(sum, at: start + RecordLayout.headChecksum)
            segments[last].append(record, header, time: time + Int64(index))
            offset += header.length
        }
        return Appended(
            first: first, last: nextPosition - 1,
            lastRevision: places.last?.revision ?? 0,
            time: Timestamp(microseconds: time + Int64(headers.count - 1)), isRepeat: false)
    }
}

extension [UInt8] {
    /// Puts `value` at `offset`, least significant byte first.
    fileprivate mutating func set(_ value: some FixedWidthInteger, at offset: Int) {
        for byte in 0..<(value.bitWidth / 8) {
            self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
        }
    }
}
