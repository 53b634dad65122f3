public import EventSourcing

/// A log as an archive of all its events holds it.
public struct ArchivedLog<Events: AsyncSequence> where Events.Element == RecordedEvent {
    let log: EventID
    let through: UInt64
    let events: (ClosedRange<UInt64>) -> Events

    /// - Parameters:
    ///   - log: the identity of the log that was archived.
    ///   - through: up to here the log is archived.
    ///   - events: those archived at the positions, ascending.
    public init(
        of log: EventID, through: UInt64,
        events: @escaping (_ positions: ClosedRange<UInt64>) -> Events
    ) {
        self.log = log
        self.through = min(through, SegmentHeader.greatestPosition)
        self.events = events
    }
}

/// A log that nobody has open, made whole from an archive of it: what is damaged or not there is
/// written anew, each event as it was to the byte. Nothing that checks is given up.
///
/// New segments are written and checked beside the old ones, and take their names when all are on
/// disk: a restoration that is refused changes nothing, and one that is killed is made again. Until
/// it has been, the log opens as before it, if it did, or not at all.
public struct LogRestoration: Sendable {
    /// What is being done, for whoever watches.
    public enum Step: Sendable {
        /// Counts segments.
        case verifying
        /// Counts positions.
        case restoring
    }

    public let log: EventID
    /// The position of the last event.
    public private(set) var head: UInt64
    /// What was written anew, in order.
    public private(set) var segments: [RestoredSegment] = []
    /// The damaged segments, each kept under its name and `.damaged`.
    public private(set) var keptAside: [String] = []
    /// Whole segments whose index did not match them, or whose chain was damaged: made again.
    public private(set) var indexes: [String] = []
    /// What the log is known to have had, and has no more.
    public private(set) var lost: ClosedRange<UInt64>?
    /// Whether the log was not closed, and its end is where the archive's is: it may have had more.
    public private(set) var isEndUnknown = false

    private var isEndRestored = false
    private let storage: any LogStorage
    private let segmentBytes: Int
    private let salt: UInt64
    private let isDryRun: Bool
    private var missing = MissingPositions()

    /// Verifies the log in `storage`, and restores what is not whole.
    ///
    /// - Parameters:
    ///   - segmentBytes: the size of the files of a log that has none left.
    ///   - newSalt: the salt to use if the log has lost its own.
    ///   - isDryRun: finds out what would be done, and whether it could be.
    ///   - progress: is told how much of the step is done, and of how much.
    /// - Throws: `RestorationError` if the archive can't restore the log, `LogError` if storage
    ///   fails, and what reading the archive throws.
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
            throw RestorationError.otherLog(log, archived: archive.log)
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
            guard missing.count == 0 else { throw RestorationError.missing(missing) }
            guard head > 0 else { throw RestorationError.nothing }
        } catch {
            try removeUnfinished()
            throw error
        }
        indexes = found.extents.filter { $0.isWhole && !$0.isIndexWhole }.map(\.name)
        if !isDryRun { try complete(found) }
    }

    // MARK: Writing

    /// Writes anew what the gap lacks, in files that have not their names yet.
    private mutating func fill<Events>(
        _ gap: LogGap, from archive: ArchivedLog<Events>, _ found: LogVerification,
        progress: () -> Void
    ) async throws {
        let contents = try gap.segment.map { segment throws(LogError) in
            try self.contents(of: segment.name)
        }
        let own = OwnRecords(contents ?? [], in: gap, log: log, salt: salt)
        var records = GapRecords(own, of: gap, durable: found.durable, from: archive)
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
        if let segment = gap.segment, builder.next == gap.first { keptAside.append(segment.name) }
        guard gap.end == nil else {
            guard builder.next == gap.end else {
                throw RestorationError.differs(position: builder.next)
            }
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
        if segment.name == gap.segment?.name { keptAside.append(segment.name) }
        guard !isDryRun else { return }
        let (name, size) = (segment.temporary, built.fileSize)
        try storing { () throws(StorageError) in
            try storage.create(name, size: size)
            try storage.write(name, built.bytes.span, at: 0)
            try storage.sync(name)
        }
        let written = try scanned(name)
        guard written.nextPosition == built.next else {
            throw SegmentScan.Fault(reason: "a record is missing").damage(of: name, written)
        }
    }

    /// The segment in the file, all of which checks.
    private func scanned(_ name: String) throws(LogError) -> OpenSegment {
        let bytes = try contents(of: name)
        var segment = OpenSegment(try SegmentHeader(bytes.span, of: name), name: name)
        if let fault = SegmentScan.records(of: bytes.span, into: &segment) {
            throw fault.damage(of: name, segment)
        }
        return segment
    }

    private func contents(of name: String) throws(LogError) -> [UInt8] {
        try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: try storage.size(of: name))
        }
    }

    // MARK: Completing

    /// Gives the new segments their names.
    private func complete(_ found: LogVerification) throws(LogError) {
        if isEndRestored { try CleanEnd(position: head).write(to: storage) }
        for name in keptAside where !segments.contains(where: { $0.name == name }) {
            try storing { () throws(StorageError) in
                // Another segment may begin there.
                let chain = SegmentHeader.base(ofName: name).map(ChainFile.name(base:))
                if let chain, try storage.names().contains(chain) { try storage.remove(chain) }
                try storage.rename(name, to: Self.aside(name))
            }
        }
        // The last one first: before the first of them is there the log has a gap, and does not
        // open.
        for segment in segments.reversed() {
            if keptAside.contains(segment.name) { try copyAside(segment.name) }
            try storing { () throws(StorageError) in
                let index = IndexFile.name(base: segment.first)
                if try storage.names().contains(index) { try storage.remove(index) }
                try storage.rename(segment.temporary, to: segment.name)
            }
        }
        let bases = try storing { () throws(StorageError) in
            try storage.names().compactMap(SegmentHeader.base(ofName:)).sorted()
        }
        for name in segments.map(\.name) + indexes {
            guard let base = SegmentHeader.base(ofName: name), base != bases.last else { continue }
            try IndexFile.write(
                try scanned(name), log: log,
                filterWords: TermFilter.words(segmentBytes: segmentBytes), to: storage)
        }
        var end = ChainPoint(startOf: log)
        for (base, next) in zip(bases, bases.dropFirst()) {
            let sealed = ChainSegment(base: base, next: next)
            end = try ChainFile.end(of: sealed, after: end, log: log, in: storage)
        }
        // Written last, so that a half-restored log that has lost its end does not open.
        let manifest = LogManifest(log: log, salt: salt, lastBase: bases.last ?? 1, durable: head)
        if isEndRestored || found.manifest == nil { try manifest.put(to: storage) }
    }

    private static func aside(_ name: String) -> String { name + ".damaged" }

    /// Copied and not renamed, so that the segment is there at every moment.
    private func copyAside(_ name: String) throws(LogError) {
        let bytes = try contents(of: name)
        try storage.put(Self.aside(name), bytes.span)
    }

    private func removeUnfinished() throws(LogError) {
        guard !isDryRun else { return }
        try storing { () throws(StorageError) in
            let names = try storage.names()
            for segment in segments where names.contains(segment.temporary) {
                try storage.remove(segment.temporary)
            }
        }
    }
}

/// A segment that a restoration has written.
public struct RestoredSegment: Hashable, Sendable {
    public let name: String
    /// The positions of its first and last event.
    public let first: UInt64
    public let last: UInt64
    /// How many of the events came from the archive: the others were whole in the damaged segment.
    public let archived: Int

    init(_ built: BuiltSegment) {
        name = SegmentHeader.name(base: built.base)
        first = built.base
        last = built.next - 1
        archived = built.archived
    }

    /// What the file is called until all are written; the log takes it for no segment.
    var temporary: String { name + ".new" }
}
