public import EventSourcing

/// The archived events of a log, as a restoration reads them.
public struct ArchivedLog<Events: AsyncSequence> where Events.Element == RecordedEvent {
    let log: EventID
    let through: UInt64
    let events: (ClosedRange<UInt64>) -> Events

    /// Creates the source of a restoration.
    ///
    /// - Parameters:
    ///   - log: the identity of the archived log.
    ///   - through: the last archived position.
    ///   - events: returns the archived events at the positions, ascending.
    public init(
        of log: EventID, through: UInt64,
        events: @escaping (_ positions: ClosedRange<UInt64>) -> Events
    ) {
        self.log = log
        self.through = min(through, SegmentHeader.greatestPosition)
        self.events = events
    }
}

/// A restoration of a damaged log from an archive. No process may have the log open.
///
/// It writes the damaged and missing segments again, each event with the same bytes as before. It
/// keeps every valid record that was acknowledged.
///
/// It writes and checks new segments beside the old ones, and renames them when all are on disk. A
/// restoration that is rejected changes nothing. One that crashes can be run again. Until then the
/// log opens as it did before, or not at all.
public struct LogRestoration: Sendable {
    /// The steps of a restoration, for progress reports.
    public enum Step: Sendable {
        /// Verifying the log. Progress counts segments.
        case verifying
        /// Restoring events. Progress counts positions.
        case restoring
    }

    /// The identity of the log.
    public let log: EventID
    /// The position of the last event after the restoration.
    public private(set) var head: UInt64
    /// The segments that were written, in order.
    public private(set) var segments: [RestoredSegment] = []
    /// The damaged segments.
    public private(set) var keptAside: [DamagedSegment] = []
    /// The names of valid segments whose damaged index or chain file was rebuilt.
    public private(set) var indexes: [String] = []
    /// The positions that the log is known to have had and that are lost.
    public private(set) var lost: ClosedRange<UInt64>?
    /// Whether the log may have had more events than the archive, because it was not closed.
    public private(set) var isEndUnknown = false

    private var isEndRestored = false
    private let storage: any LogStorage
    private let segmentBytes: Int
    private let salt: UInt64
    private let isDryRun: Bool
    private var missing = MissingPositions()

    /// Verifies the log in `storage`, and restores what is damaged or missing.
    ///
    /// - Parameters:
    ///   - segmentBytes: the size of a segment's file, used if the log has no segment left.
    ///   - newSalt: the salt to use if the log has lost its own.
    ///   - isDryRun: whether only to find out what would be done, without changes.
    ///   - progress: called with the step, how much of it is done, and of how much.
    /// - Throws: `invalid` if the archive can't restore the log, `LogError` if storage fails, and
    ///   the errors of reading the archive. Then nothing was changed.
    public init<Events>(
        of storage: any LogStorage, from archive: ArchivedLog<Events>,
        segmentBytes: Int = EventLog.defaultSegmentBytes,
        newSalt: UInt64 = .random(in: 1...(.max)), isDryRun: Bool = false,
        progress: (_ step: Step, _ done: Int, _ all: Int) -> Void = { _, _, _ in }
    ) async throws {
        let found = try LogVerification(of: storage) { progress(.verifying, $0, $1) }
        log = archive.log
        head = found.head
        self.storage = storage
        self.segmentBytes = found.extents.map(\.size).max() ?? segmentBytes
        salt = found.salt ?? newSalt
        self.isDryRun = isDryRun
        if let log = found.log, log != archive.log {
            throw DaybookError.invalid(
                "the archive is of log \(archive.log), but this is log \(log)")
        }
        let gaps = try LogGap.all(in: found, archivedThrough: archive.through)
        let all = gaps.reduce(0) { $0 + $1.count(archivedThrough: archive.through) }
        var done = 0
        do {
            for gap in gaps {
                try await fill(gap, from: archive, found) {
                    done += 1
                    progress(.restoring, done, all)
                }
            }
            try require(
                missing.count == 0, .invalid,
                "the archive lacks events that must be restored: \(missing); nothing was changed")
            try require(head > 0, .invalid, "neither the log nor the archive has events")
        } catch {
            try removeUnfinished()
            throw error
        }
        indexes = found.extents.filter { $0.isWhole && !$0.isIndexWhole }.map(\.name)
        if !isDryRun { try complete(found) }
    }

    // MARK: Writing

    /// Writes the segments of the gap under temporary names.
    private mutating func fill<Events>(
        _ gap: LogGap, from archive: ArchivedLog<Events>, _ found: LogVerification,
        progress: () -> Void
    ) async throws {
        let contents = try gap.segment.map { segment throws(LogError) in
            try storage.contents(of: segment.name)
        }
        let own = OwnRecords(contents ?? [], in: gap, log: log, salt: salt)
        var records = try await GapRecords(
            own, of: gap, durable: found.durable, from: archive)
        var builder = SegmentBuilder(
            log: log, salt: salt, base: gap.first, segmentBytes: segmentBytes)
        while let record = try await records.next(missing: &missing) {
            progress()
            guard missing.count == 0 else { continue }
            if let full = builder.add(record.bytes, isArchived: record.isArchived) {
                try write(full, of: gap)
            }
        }
        guard missing.count == 0 else { return }
        if let last = builder.finish() { try write(last, of: gap) }
        if let segment = gap.segment, builder.next == gap.first { try keepAside(segment.name) }
        guard gap.end == nil else {
            guard builder.next == gap.end else { throw LogGap.difference(at: builder.next) }
            return
        }
        (isEndRestored, isEndUnknown) = (true, found.closedAt == 0)
        head = builder.next - 1
        let known = max(found.durable, archive.through)
        if head < known { lost = builder.next...known }
    }

    private mutating func write(_ built: BuiltSegment, of gap: LogGap) throws(LogError) {
        guard !gap.has(built) else { return }
        let segment = RestoredSegment(built)
        segments.append(segment)
        if segment.name == gap.segment?.name { try keepAside(segment.name) }
        guard !isDryRun else { return }
        let name = segment.temporary
        try storage.create(name, size: max(segmentBytes, built.bytes.count))
        try storage.write(name, built.bytes.span, at: 0)
        try storage.sync(name)
        let written = try OpenSegment(file: name, in: storage)
        guard written.nextPosition == built.next else {
            throw written.damage("a record is missing")
        }
    }

    // MARK: Completing

    /// Renames the new segments, and rebuilds indexes, chain files and manifest.
    private func complete(_ found: LogVerification) throws(LogError) {
        if isEndRestored { try CleanEnd(position: head).write(to: storage) }
        for damaged in keptAside where !segments.contains(where: { $0.name == damaged.name }) {
            // A new segment of this base may follow, and an old chain file would not match it.
            let chain = SegmentHeader.base(ofName: damaged.name).map(ChainFile.name(base:))
            if let chain { try storage.removeIfPresent(chain) }
            try storage.rename(damaged.name, to: damaged.copy)
        }
        // From the last to the first: until the first is renamed, the log has a gap and does not
        // open.
        for segment in segments.reversed() {
            if let damaged = keptAside.first(where: { $0.name == segment.name }) {
                // A rename would leave the log without the segment for a moment.
                let bytes = try storage.contents(of: damaged.name)
                try storage.put(damaged.copy, bytes.span)
            }
            try storage.removeIfPresent(IndexFile.name(base: segment.from))
            try storage.rename(segment.temporary, to: segment.name)
        }
        let bases = try storage.names().compactMap(SegmentHeader.base(ofName:)).sorted()
        for name in segments.map(\.name) + indexes {
            guard let base = SegmentHeader.base(ofName: name), base != bases.last else { continue }
            try IndexFile.write(
                try OpenSegment(file: name, in: storage), log: log,
                filterWords: TermFilter.words(segmentBytes: segmentBytes), to: storage)
        }
        var end = ChainPoint(startOf: log)
        for (base, next) in zip(bases, bases.dropFirst()) {
            let sealed = ChainSegment(base: base, next: next)
            end = try ChainFile.end(of: sealed, after: end, log: log, in: storage)
        }
        // Written last, so that a half-restored log whose end is missing does not open.
        let manifest = LogManifest(log: log, salt: salt, lastBase: bases.last ?? 1, durable: head)
        if isEndRestored || found.manifest == nil { try manifest.put(to: storage) }
    }

    private mutating func keepAside(_ segment: String) throws(LogError) {
        keptAside.append(DamagedSegment(name: segment, copy: try nameOfCopy(of: segment)))
    }

    /// Returns the name under which to keep the damaged segment. No other copy has it, because the
    /// copies of earlier restorations may be needed, too.
    private func nameOfCopy(of segment: String) throws(LogError) -> String {
        let names = Set(try storage.names())
        let bytes = try storage.contents(of: segment)
        var copy = segment + ".damaged"
        var count = 1
        while names.contains(copy) {
            // A restoration that was killed may have made this copy.
            if try storage.contents(of: copy) == bytes { break }
            count += 1
            copy = "\(segment).damaged-\(count)"
        }
        return copy
    }

    private func removeUnfinished() throws(LogError) {
        guard !isDryRun else { return }
        let names = try storage.names()
        for segment in segments where names.contains(segment.temporary) {
            try storage.remove(segment.temporary)
        }
    }
}

/// A damaged segment that a restoration has replaced.
public struct DamagedSegment: Hashable, Sendable {
    /// The name of the segment's file.
    public let name: String
    /// The name of the file in which the damaged segment is kept.
    public let copy: String
}

/// A segment that a restoration has written.
public struct RestoredSegment: Hashable, Sendable, Encodable {
    /// The name of the segment's file.
    public let name: String
    /// The position of its first event.
    public let from: UInt64
    /// The position of its last event.
    public let through: UInt64
    /// The number of events from the archive. The others were valid in the damaged segment.
    public let archived: Int

    init(_ built: BuiltSegment) {
        name = SegmentHeader.name(base: built.base)
        from = built.base
        through = built.next - 1
        archived = built.archived
    }

    /// The file's name until all segments are written. The log ignores files with this suffix.
    var temporary: String { name + ".new" }
}
