public import EventSourcing

/// When an append is on disk.
public enum Durability: String, CaseIterable, Sendable {
    /// Before it is answered.
    case sync
    /// Some time after it is answered, whenever `flush` is called: what a failure of the machine
    /// may lose is what was appended since. A failure of the process alone loses nothing.
    case interval
    /// When the system sees fit.
    case none
}

/// The durable, append-only log: segments of records in a folder.
///
/// Appends are staged, each checked against everything before it, and committed in groups with one
/// write and one sync. Staged events are seen by later conditions but by no reader; committed ones
/// are on disk. Whoever owns the log is its only writer and reader, but for the sealed segments,
/// which anyone may read.
///
/// An append that a crash cut short is gone as a whole when the log is opened again: it was not
/// acknowledged. Damage anywhere else is reported with its place, when the log is opened or when
/// what is damaged is read, and never skipped.
///
/// Memory grows with the streams in use and not with the events stored, but for the filters of the
/// sealed segments: a bit for every 16 bytes of records.
public struct EventLog: ~Copyable {
    /// The size of a segment's file, if none is given.
    public static let defaultSegmentBytes = 64 << 20

    /// The identity of the log, made with it: positions mean something in this log only.
    public let id: EventID
    /// The position of the last committed event, or 0.
    public internal(set) var head: UInt64
    /// When the last committed event was; nil if there is none.
    public private(set) var headTime: Timestamp?
    let storage: any LogStorage
    let segmentBytes: Int
    private let durability: Durability
    private let now: () -> Timestamp
    private let maintenance: Maintenance
    private var manifest: LogManifest
    /// Never written to again.
    var sealed: SealedSegments
    /// Full, but not sealed before their indexes are on disk.
    var sealing: [OpenSegment]
    /// The one that is written to, if there is one.
    var open: OpenSegment?
    /// The records staged since the last commit; they go behind what the open segment has on disk.
    var group: [UInt8] = []
    /// What was committed because a segment was full, before whoever owns the log asked for it.
    private var committedEarly: [UInt8] = []
    var heads = Heads()
    private var lastTime: Int64
    /// Whether something was written since the last sync.
    private var isDirty = false
    /// Why nothing more is written: what is on disk is known only once the log is opened again.
    private var failure: LogError?

    /// Opens the log in `storage`, made anew if there is none.
    ///
    /// - Parameters:
    ///   - segmentBytes: the size of the files; an append must fit into one. A log keeps to the
    ///     size it was made with.
    ///   - newSalt: the salt of a log that is created now (`SegmentBinding`); not 0.
    ///   - background: runs what need not hold up an append, such as writing a segment's index.
    ///   - now: the clock. Commit times follow it, but never go back.
    public init(
        in storage: any LogStorage, segmentBytes: Int = defaultSegmentBytes,
        durability: Durability = .sync,
        newID: EventID = .random(), newSalt: UInt64 = .random(in: 1...(.max)),
        background: @escaping Background = { $0() },
        now: @escaping () -> Timestamp
    ) throws(LogError) {
        precondition((1024...1 << 31).contains(segmentBytes), "a segment has 1 KiB to 2 GiB")
        let recovered = try Recovery(storage, newID: newID, segmentBytes: segmentBytes)
        let salt = recovered.salt ?? newSalt
        let maintenance = Maintenance(
            storage, log: recovered.id, salt: salt, segmentBytes: segmentBytes,
            sealed: recovered.sealed, background: background)
        // Whoever is told the log's identity is to find it again, events or none.
        let open =
            if let open = recovered.open { open } else {
                OpenSegment(try maintenance.makeSegment(base: 1))
            }
        let manifest = LogManifest(
            log: recovered.id, salt: salt, lastBase: open.base, durable: open.nextPosition - 1)
        if manifest != recovered.manifest { try manifest.put(to: storage) }
        self.storage = storage
        self.segmentBytes = segmentBytes
        self.durability = durability
        self.now = now
        self.maintenance = maintenance
        self.manifest = manifest
        id = recovered.id
        sealed = recovered.sealed
        self.open = open
        sealing = []
        head = open.nextPosition - 1
        lastTime = open.lastTime
        headTime = head > 0 ? Timestamp(microseconds: lastTime) : nil
    }

    /// How far the last committed event's time is ahead of the clock; 0 if it is not. It is ahead
    /// after the clock was set back.
    public var timeAhead: Duration { headTime.map { max($0 - now(), .zero) } ?? .zero }

    /// The position that the next staged event gets.
    var nextPosition: UInt64 { open?.nextPosition ?? 1 }

    /// Checks the append of `records`, whole records back to back, and stages its events.
    ///
    /// Every check that can fail, such as a look-up in a damaged index, comes before the first
    /// change, so a rejected append leaves nothing.
    ///
    /// - Returns: where they will be once `commit` has returned; for a repeated append, where they
    ///   are, or will be, since the first time.
    public mutating func stage(
        _ records: Span<UInt8>, _ condition: AppendCondition = .any
    ) throws(AppendError) -> Appended {
        if let failure { throw .log(failure) }
        let headers = try Admission.headers(of: records, segmentBytes: segmentBytes)
        if let repeated = try repetition(of: records, headers) { return repeated }
        try check(condition)
        let places = try places(of: records, headers)
        let time = try commitTime(of: headers.count)
        if (open?.end ?? segmentBytes) + records.count > segmentBytes {
            do {
                committedEarly = try commit()
                try startSegment()
            } catch {
                throw .log(fail(error))
            }
        }
        return place(records, headers, places, time: time)
    }

    /// Writes what is staged, and makes it durable unless durability is asked for later.
    ///
    /// - Returns: the records committed since the last call, with plain checksums, as readers get
    ///   them.
    /// - Throws: when that fails. The log is then of no more use, and must be opened again: what
    ///   the system holds of a file whose sync has failed can't be trusted.
    @discardableResult
    public mutating func commit() throws(LogError) -> [UInt8] {
        if let failure { throw failure }
        let early = committedEarly
        committedEarly = []
        guard !group.isEmpty, let open else { return early }
        try write(to: open)
        isDirty = true
        if durability == .sync { try flush(through: nextPosition - 1) }
        let committed = group
        group.removeAll(keepingCapacity: true)
        head = nextPosition - 1
        headTime = Timestamp(microseconds: lastTime)
        return early.isEmpty ? committed : early + committed
    }

    /// Writes the group of staged records, and binds them to their places in the file.
    private mutating func write(to open: OpenSegment) throws(LogError) {
        let offset = open.end - group.count
        let storage = storage
        group.toggleBinding(open.binding, storedAt: offset)
        do throws(StorageError) {
            try storage.write(open.name, group.span, at: offset)
        } catch {
            throw fail(.storage(error))
        }
        group.toggleBinding(open.binding, storedAt: offset)
    }

    /// Makes durable what was committed and is not yet.
    public mutating func flush() throws(LogError) { try flush(through: head) }

    private mutating func flush(through position: UInt64) throws(LogError) {
        if let failure { throw failure }
        guard isDirty, let name = open?.name else { return }
        do throws(StorageError) {
            try storage.sync(name)
            manifest.durable = position
            try manifest.write(to: storage)
        } catch {
            throw fail(.storage(error))
        }
        isDirty = false
    }

    /// Commits, and notes that nothing of the log is torn, so that what does not check when it is
    /// opened again is known to be damaged.
    public mutating func close() throws(LogError) {
        try commit()
        try flush()
        maintenance.finish()
        try CleanEnd(position: head).write(to: storage)
        failure = .closed
    }

    private mutating func fail(_ error: LogError) -> LogError {
        failure = error
        return error
    }

    // MARK: Segments

    /// Goes on in a new segment; the one before is sealed once its index is on disk.
    private mutating func startSegment() throws(LogError) {
        try flush()
        let next = try maintenance.makeSegment(base: nextPosition)
        if let full = open {
            sealing.append(full)
            maintenance.seal(full)
        }
        open = OpenSegment(next, lastTime: lastTime)
        // After the segment, so that the manifest never names one that does not exist.
        (manifest.lastBase, manifest.durable) = (next.base, next.base - 1)
        try manifest.put(to: storage)
        maintenance.prepareSegment()
        try adoptSealed()
    }

    /// Takes the segments whose indexes have been written.
    private mutating func adoptSealed() throws(LogError) {
        for (segment, filter) in try maintenance.takeSealed() {
            sealed.append(segment, filter: filter)
            sealing.removeAll { $0.base == segment.base }
        }
    }

    // MARK: Staging

    /// Returns the commit time, in microseconds, of the first of `count` events.
    private func commitTime(of count: Int) throws(AppendError) -> Int64 {
        let (next, isPastLast) = lastTime.addingReportingOverflow(1)
        let time = max(now().microseconds, next)
        guard !isPastLast, time <= .max - Int64(count) else {
            throw .invalid("the log's time has reached its largest value; correct the clock")
        }
        return time
    }

    /// Fills in what is the store's part of the records, and stages them.
    private mutating func place(
        _ records: Span<UInt8>, _ headers: [RecordHeader], _ places: [Place], time: Int64
    ) -> Appended {
        let first = nextPosition
        var offset = 0
        for (index, (header, place)) in zip(headers, places).enumerated() {
            let record = records.extracting(offset..<offset + header.length)
            let (position, time) = (first + UInt64(index), time + Int64(index))
            var flags: UInt8 = index < headers.count - 1 ? RecordLayout.moreOfAppend : 0
            if group.isEmpty, !isDirty { flags |= RecordLayout.startsCommit }
            let start = group.count
            unsafe record.withUnsafeBufferPointer { unsafe group.append(contentsOf: $0) }
            group.fillHead(at: start, position, place, time: time, flags: flags)
            open?.append(record, header, revision: place.revision, time: time)
            heads[stream: place.stream] = place.revision
            heads[category: place.category] = position
            offset += header.length
        }
        lastTime = time + Int64(headers.count - 1)
        return Appended(
            first: first, last: nextPosition - 1, lastRevision: places.last?.revision ?? 0,
            time: Timestamp(microseconds: lastTime), isRepeat: false)
    }
}

extension [UInt8] {
    /// Fills in the head of the record at `start`.
    fileprivate mutating func fillHead(
        at start: Int, _ position: UInt64, _ place: Place, time: Int64, flags: UInt8
    ) {
        var bytes = mutableSpan
        bytes.set(position, at: start + RecordLayout.position)
        bytes.set(place.previous, at: start + RecordLayout.previousInCategory)
        bytes.set(place.revision, at: start + RecordLayout.revision)
        bytes.set(time, at: start + RecordLayout.time)
        bytes.set(flags, at: start + RecordLayout.flags)
        let sum = RecordHeader.headChecksum(
            of: bytes.span.extracting(start..<start + RecordLayout.headSize))
        bytes.set(sum, at: start + RecordLayout.headChecksum)
    }
}

extension MutableSpan<UInt8> {
    /// Puts `value` at `offset`, least significant byte first.
    fileprivate mutating func set<Word: FixedWidthInteger>(_ value: Word, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Word>.size <= count)
        // Safe: the bounds were checked, and any integer is bytes.
        unsafe withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Word.self)
        }
    }
}
