import Bytes
public import EventSourcing

/// When the log makes an append durable.
public enum Durability: String, CaseIterable, Sendable {
    /// Before the append is acknowledged.
    case sync
    /// At the next `flush`, after the append is acknowledged. A crash of the machine can lose the
    /// appends since the last flush. A crash of the process loses nothing.
    case interval
    /// When the operating system writes it.
    case none
}

/// The durable, append-only log: segments of records in a folder.
///
/// The log stages appends, each checked against everything before it. It commits them in groups,
/// with one write and one sync per group. Later conditions see staged events, but readers do not.
/// Committed events are on disk. The owner of the log is its only writer and reader. Only sealed
/// segments may be read on other threads.
///
/// Opening the log removes an append that a crash cut short. That append was not acknowledged.
/// Damage anywhere else is reported with its place and never skipped: when the log is opened, or
/// when the damaged part is read.
///
/// Memory grows with the streams in use and not with the events stored. The exception is the
/// filters of the sealed segments, which take one bit for every 16 bytes of records.
public struct EventLog: ~Copyable {
    /// The default size of a segment's file, in bytes.
    public static let defaultSegmentBytes = 64 << 20

    /// The identity of the log, created with it. Positions are valid in this log only.
    public let id: EventID
    /// The position of the last committed event, or 0.
    public internal(set) var head: UInt64
    /// The commit time of the last committed event, or nil if the log is empty.
    public private(set) var headTime: Timestamp?
    let storage: any LogStorage
    let segmentBytes: Int
    private let durability: Durability
    private let now: () -> Timestamp
    private let maintenance: Maintenance
    private var manifest: LogManifest
    /// The segments that are never written to again.
    public internal(set) var sealed: SealedSegments
    /// Full segments whose indexes are not on disk yet.
    var sealing: [OpenSegment] = []
    /// The segment that is written to.
    var open: OpenSegment
    /// The records staged since the last commit. They follow the records that the open segment has
    /// on disk.
    var group: [UInt8] = []
    /// The records that were committed because a segment was full, before the owner called
    /// `commit`.
    private var committedEarly: [UInt8] = []
    /// The last revisions of the streams in use. The segments hold those of all others.
    var lastRevisions = GenerationalCache<String, UInt64>(generationSize: 500_000)
    /// The positions of the last events of the categories in use.
    var lastPositions = GenerationalCache<String, UInt64>(generationSize: 50_000)
    /// The position of the last amendment, staged or not, or 0; nil before it was looked up.
    var lastAmendment: UInt64?
    private var lastTime: Int64
    /// The position of the last event that was imported from another log, staged or not, or 0.
    /// It may be later if an index is damaged.
    public private(set) var lastHistory: UInt64 = 0
    /// Whether something was written since the last sync.
    private var isDirty = false
    /// Why the log accepts no more writes. What is on disk is known only after it is opened again.
    private var failure: LogError?

    /// Opens the log in `storage`, or creates it if the storage is empty.
    ///
    /// - Parameters:
    ///   - segmentBytes: the size of the files, 1 KiB to 2 GiB. An append must fit into one file.
    ///     Pass the same size each time: with another size, all indexes are built again.
    ///   - newID: the identity of a log that is created now.
    ///   - newSalt: the salt of a log that is created now (`SegmentBinding`); not 0.
    ///   - background: runs work that need not delay an append, such as writing a segment's index.
    ///   - now: the clock. Commit times follow it, but never go back.
    /// - Throws: `LogError` if the log is damaged or storage fails.
    public init(
        in storage: any LogStorage, segmentBytes: Int = defaultSegmentBytes,
        durability: Durability = .sync,
        newID: EventID = .random(), newSalt: UInt64 = .random(in: 1...(.max)),
        background: @escaping Background = { $0() },
        now: @escaping () -> Timestamp
    ) throws(LogError) {
        precondition((1024...1 << 31).contains(segmentBytes), "segmentBytes must be 1 KiB to 2 GiB")
        let recovered = try Recovery(storage, newID: newID, segmentBytes: segmentBytes)
        let salt = recovered.salt ?? newSalt
        let maintenance = Maintenance(
            storage, log: recovered.id, salt: salt, segmentBytes: segmentBytes,
            sealed: recovered.sealed, background: background)
        // Create the first segment now, so that the log keeps its identity even if it gets no
        // events.
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
        head = open.nextPosition - 1
        lastTime = open.lastTime
        headTime = head > 0 ? Timestamp(microseconds: lastTime) : nil
        // A damaged index does not keep the log closed. A later position only costs its readers
        // time.
        do throws(LogError) {
            lastHistory = try lastEvent(.history) { $0.isHistory }?.position ?? 0
        } catch {
            lastHistory = head
        }
    }

    /// How far the last commit time is ahead of the clock; 0 if it is not ahead. It is ahead after
    /// the clock was set back.
    public var timeAhead: Duration { headTime.map { max($0 - now(), .zero) } ?? .zero }

    /// The position of the next staged event.
    var nextPosition: UInt64 { open.nextPosition }

    /// The segments that are not sealed, oldest first.
    var recent: [OpenSegment] { sealing + [open] }

    /// Checks the append of `records`, whole records back to back, and stages its events.
    ///
    /// Every check that can fail, such as a look-up in a damaged index, comes before the first
    /// change. So a rejected append changes nothing.
    ///
    /// - Returns: the events' positions after the next `commit`. For a repeated append, the
    ///   positions of the first time.
    /// - Throws: `AppendError`.
    public mutating func stage(
        _ records: Span<UInt8>, _ condition: AppendCondition = .any
    ) throws(AppendError) -> Appended {
        if let failure { throw .log(failure) }
        let headers = try RecordValidation.headers(of: records, segmentBytes: segmentBytes)
        if let repeated = try repetition(of: records, headers) { return repeated }
        try check(condition)
        if condition.history != nil {
            try RecordValidation.checkOriginalTimes(of: records, headers)
        }
        let places = try places(of: records, headers)
        let time = try commitTime(of: headers.count)
        if open.end + records.count > segmentBytes {
            do {
                committedEarly = try commit()
                try startSegment()
            } catch {
                throw .log(fail(error))
            }
        }
        return place(records, headers, places, time: time, flags: condition.historyFlags)
    }

    /// Writes the staged events, and makes them durable if the durability is `sync`.
    ///
    /// - Returns: the records committed since the last call, with unmasked checksums, as readers
    ///   get them.
    /// - Throws: `LogError` if writing fails. The log then accepts no more writes and must be
    ///   opened again, because the system's copy of a file cannot be trusted after a failed sync.
    @discardableResult
    public mutating func commit() throws(LogError) -> [UInt8] {
        if let failure { throw failure }
        let early = committedEarly
        committedEarly = []
        guard !group.isEmpty else { return early }
        try writeGroup()
        isDirty = true
        if durability == .sync { try flush(through: nextPosition - 1) }
        let committed = group
        group.removeAll(keepingCapacity: true)
        head = nextPosition - 1
        headTime = Timestamp(microseconds: lastTime)
        return early.isEmpty ? committed : early + committed
    }

    /// Writes the group of staged records, and binds them to their places in the file.
    private mutating func writeGroup() throws(LogError) {
        let offset = open.end - group.count
        group.toggleBinding(open.binding, storedAt: offset)
        do throws(LogError) {
            try storage.write(open.name, group.span, at: offset)
        } catch {
            throw fail(error)
        }
        group.toggleBinding(open.binding, storedAt: offset)
    }

    /// Syncs the committed events that are not durable yet.
    public mutating func flush() throws(LogError) { try flush(through: head) }

    private mutating func flush(through position: UInt64) throws(LogError) {
        if let failure { throw failure }
        guard isDirty else { return }
        do throws(LogError) {
            try storage.sync(open.name)
            manifest.durable = position
            try manifest.write(to: storage)
        } catch {
            throw fail(error)
        }
        isDirty = false
    }

    /// Commits, syncs and closes the log.
    ///
    /// It then writes the `CleanEnd` marker. With the marker, an invalid record at the next opening
    /// is known to be damage and not a torn append.
    public mutating func close() throws(LogError) {
        try commit()
        try flush()
        maintenance.finish()
        try CleanEnd(position: head).write(to: storage)
        failure = .closed
    }

    /// Throws the reason why the log accepts no more writes, if there is one. Its owner must then
    /// stop, and must not answer from it any more.
    public func checkUsable() throws(LogError) {
        if let failure { throw failure }
    }

    private mutating func fail(_ error: LogError) -> LogError {
        failure = error
        return error
    }

    // MARK: Segments

    /// Starts a new segment. The one before it is sealed once its index is on disk.
    private mutating func startSegment() throws(LogError) {
        try flush()
        let next = try maintenance.makeSegment(base: nextPosition)
        sealing.append(open)
        maintenance.seal(open)
        open = OpenSegment(next, lastTime: lastTime)
        // Written after the segment, so that the manifest never names a segment that does not
        // exist.
        (manifest.lastBase, manifest.durable) = (next.base, next.base - 1)
        try manifest.put(to: storage)
        maintenance.prepareSegment()
        try adoptSealed()
    }

    /// Moves the segments whose indexes are on disk to the sealed ones.
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

    /// Fills in the store's fields of the records, and stages them.
    private mutating func place(
        _ records: Span<UInt8>, _ headers: [RecordHeader], _ places: [Place], time: Int64,
        flags common: UInt8
    ) -> Appended {
        let first = nextPosition
        var offset = 0
        for (index, (header, place)) in zip(headers, places).enumerated() {
            let record = records.extracting(offset..<offset + header.length)
            let (position, time) = (first + UInt64(index), time + Int64(index))
            var flags = common | (index < headers.count - 1 ? RecordLayout.moreOfAppend : 0)
            if group.isEmpty, !isDirty { flags |= RecordLayout.startsCommit }
            let start = group.count
            group.append(contentsOf: record)
            group.fillHead(at: start, position, place, time: time, flags: flags)
            open.append(record, header, revision: place.revision, time: time, flags: flags)
            lastRevisions[place.stream] = place.revision
            lastPositions[place.category] = position
            if place.category == StreamName.amendmentCategory { lastAmendment = position }
            offset += header.length
        }
        lastTime = time + Int64(headers.count - 1)
        if common & RecordLayout.history != 0 { lastHistory = nextPosition - 1 }
        return Appended(
            first: first, last: nextPosition - 1, lastRevision: places.last?.revision ?? 0,
            time: Timestamp(microseconds: lastTime), isRepeat: false)
    }
}

extension AppendCondition {
    /// The flags of every record of the append.
    fileprivate var historyFlags: UInt8 {
        switch history {
        case nil: 0
        case .undelivered: RecordLayout.history
        case .delivered: RecordLayout.history | RecordLayout.deliveredHistory
        }
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
