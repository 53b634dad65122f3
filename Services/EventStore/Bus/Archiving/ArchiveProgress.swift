import EventArchive
import EventSourcing
import ServiceRuntime
import WireProtocol

/// The progress of one archive, and what its archiver does next.
///
/// The type is pure: the archiver passes the time and the outcomes of its work, and carries out
/// what the type decides.
struct ArchiveProgress {
    /// The intervals and time limits of an archiver.
    struct Timing: Sendable {
        /// How often the archiver reads the log.
        var interval: Duration = .seconds(1)
        /// Pending events are archived when no other has arrived for this time.
        var quiet: Duration = .seconds(5)
        /// Pending events are archived when the first has waited this long.
        var longest: Duration = .seconds(30)
        /// How often expired segments are removed, and the checkpoint moves if no event matches.
        var housekeeping: Duration = .seconds(60)
        /// The delay after a failure of the place. It doubles with each further failure.
        var backoff: ClosedRange<Duration> = .seconds(1)...(.seconds(60))
        /// How long archiving the last events may take when the archiver stops.
        var closing: Duration = .seconds(5)
    }

    /// What to do after the log was read.
    enum Step: Hashable, Sendable {
        /// Archive the pending events, and move the checkpoint.
        case seal
        /// Remove the segments whose last event is older.
        case expire(before: Timestamp)
    }

    let timing: Timing
    private let retentionDays: Double?
    /// The manifest as last read or written.
    private(set) var manifest: ArchiveManifest?
    /// The position up to which the log was read. Nil until the archive was opened, and after a
    /// failure.
    private var position: UInt64?
    /// When the first and the last pending event arrived.
    private var pending: ClosedRange<RunningTime>?
    private var housekeptAt: RunningTime?
    /// The commit time of the last event that was read.
    private var logTime = Timestamp.distantPast
    /// Why archiving failed last, or nil once it has resumed.
    private(set) var problem: String?
    private var failures = 0
    private var retryAt = RunningTime.zero
    /// How many events have matched, and up to which position they were counted.
    private(set) var matched: (count: UInt64, through: UInt64) = (0, 0)
    /// Who waits until the archive has all its events up to a position.
    private var gate = PositionGate<Waiter>(at: 0)

    init(retentionDays: Double?, timing: Timing) {
        self.retentionDays = retentionDays
        self.timing = timing
    }

    /// The position up to which the archive has all its events.
    var checkpoint: UInt64 {
        // Without pending events, everything read so far is archived or does not match.
        pending == nil ? position ?? archivedThrough : archivedThrough
    }

    /// The checkpoint in the manifest, which readers of the archive see.
    private var archivedThrough: UInt64 { manifest?.checkpoint ?? 0 }

    // MARK: Decisions

    /// Whether to read the log now. After a failure, this waits for the back-off, unless a reader
    /// waits.
    func shouldRead(at time: RunningTime) -> Bool { retryAt <= time || !gate.isEmpty }

    /// Returns what to do after the log was read, in order.
    func steps(at now: BusTime) -> [Step] {
        let isHousekeeping = needsHousekeeping(at: now.running)
        var steps: [Step] = []
        if shouldSeal(at: now.running)
            || isHousekeeping && pending == nil && archivedThrough < checkpoint
        {
            steps.append(.seal)
        }
        if isHousekeeping, let days = retentionDays {
            steps.append(.expire(before: max(now.log, logTime) + .seconds(-days * 86_400)))
        }
        return steps
    }

    private func shouldSeal(at time: RunningTime) -> Bool {
        guard gate.isEmpty else { return true }
        guard let pending else { return false }
        return pending.upperBound + timing.quiet <= time
            || pending.lowerBound + timing.longest <= time
    }

    private func needsHousekeeping(at time: RunningTime) -> Bool {
        housekeptAt.map { $0 + timing.housekeeping <= time } ?? true
    }

    // MARK: Outcomes

    /// Records that the archive is open, and that reading begins after its checkpoint.
    mutating func recordOpened(_ manifest: ArchiveManifest) {
        self.manifest = manifest
        position = manifest.checkpoint
    }

    /// Records that the log was read up to `position`, with these events for the archive.
    ///
    /// - Parameter manifest: the manifest, which has changed if the events filled a segment.
    mutating func recordRead(
        _ events: [RecordedEvent], through position: UInt64, _ manifest: ArchiveManifest,
        at time: RunningTime
    ) {
        self.manifest = manifest
        self.position = position
        guard let last = events.last else { return }
        logTime = max(logTime, last.time)
        pending = min(pending?.lowerBound ?? time, time)...time
        if last.position > matched.through {
            // An archive that is opened again reads its pending events again.
            matched.count += UInt64(events.count { $0.position > matched.through })
            matched.through = last.position
        }
    }

    /// Records that the pending events are archived. Returns who waited for them.
    mutating func recordSealed(_ manifest: ArchiveManifest) -> [Waiter] {
        self.manifest = manifest
        pending = nil
        return gate.advance(to: manifest.checkpoint)
    }

    /// Records that expired segments are removed.
    mutating func recordExpired(_ manifest: ArchiveManifest) { self.manifest = manifest }

    /// Records that all of `steps(at:)` are done. Returns whether archiving has resumed after a
    /// problem.
    mutating func finishSteps(at now: BusTime) -> Bool {
        if needsHousekeeping(at: now.running) { housekeptAt = now.running }
        guard pending == nil else { return false }
        failures = 0
        defer { problem = nil }
        return problem != nil
    }

    /// Records a failure. The archive must be opened again, and continues after its checkpoint.
    /// Returns whether this is a new problem.
    mutating func recordFailure(_ text: String, at time: RunningTime) -> Bool {
        position = nil
        pending = nil
        let delay = timing.backoff.lowerBound * (1 << min(failures, 20))
        retryAt = time + min(delay, timing.backoff.upperBound)
        failures += 1
        defer { problem = text }
        return problem != text
    }

    // MARK: Readers

    /// Whether the archive has all its events up to `position`, and its manifest says so.
    func isArchived(through position: UInt64) -> Bool { position <= archivedThrough }

    mutating func wait(for position: UInt64, _ waiter: Waiter) { gate.add(waiter, for: position) }

    /// Removes and returns everyone who waits.
    mutating func takeWaiters() -> [Waiter] { gate.removeAll() }
}
