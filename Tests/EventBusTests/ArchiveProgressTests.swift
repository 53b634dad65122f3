import EventSourcing
import TestSupport
import Testing
import WireProtocol

@testable import EventArchive
@testable import EventBus

/// Each test begins with an open, empty archive whose housekeeping is done.
@Suite struct `Archive progress` {
    private static let day: Duration = .seconds(86_400)
    private var now = BusTime(running: .zero, log: Timestamp(microseconds: 0) + day * 10)
    private var progress = ArchiveProgress(retentionDays: nil, timing: ArchiveProgress.Timing())

    init() { open(through: 0) }

    private mutating func open(through checkpoint: UInt64) {
        progress.recordOpened(manifest(through: checkpoint))
        _ = progress.finishSteps(at: now)
    }

    private func manifest(through checkpoint: UInt64) -> ArchiveManifest {
        ArchiveManifest(
            name: "a", log: .none, version: 1, from: 1, checkpoint: checkpoint, segments: [])
    }

    private mutating func pass(_ duration: Duration) { now = now + duration }

    /// Reads events at these positions. All were committed at the beginning of 1970.
    private mutating func read(_ positions: ClosedRange<UInt64>) throws {
        let events = try positions.map {
            try record(at: $0, stream: "s-1", type: "T", data: "{}")
        }
        progress.recordRead(
            events, through: positions.upperBound, try #require(progress.manifest),
            at: now.running)
    }

    /// Reads the log up to `position` without an event for the archive.
    private mutating func readOthers(through position: UInt64) throws {
        progress.recordRead(
            [], through: position, try #require(progress.manifest), at: now.running)
    }

    private var steps: [ArchiveProgress.Step] { progress.steps(at: now) }

    @Test mutating func `Pending events are sealed after 5 seconds without new ones`() throws {
        #expect(progress.shouldRead(at: now.running) && steps.isEmpty)
        try read(1...3)
        pass(.milliseconds(4900))
        try readOthers(through: 7)
        #expect(steps.isEmpty && progress.checkpoint == 0)
        pass(.milliseconds(100))
        #expect(steps == [.seal])
        #expect(progress.recordSealed(manifest(through: 7)).isEmpty)
        #expect(steps.isEmpty && progress.checkpoint == 7)
    }

    @Test mutating func `Steadily arriving events are sealed after 30 seconds`() throws {
        for position in 1...10 as ClosedRange<UInt64> {
            try read(position...position)
            pass(.seconds(3))
            #expect(steps == (position == 10 ? [.seal] : []))
        }
    }

    @Test mutating func `Events are sealed at once for readers, who resume at their positions`() {
        let (first, second) = (Waiter(id: 1), Waiter(id: 2))
        progress.wait(for: 9, second)
        progress.wait(for: 5, first)
        #expect(steps == [.seal])
        #expect(progress.recordSealed(manifest(through: 5)) == [first])
        #expect(progress.isArchived(through: 5) && !progress.isArchived(through: 6))
        // The other reader's events may have arrived since.
        #expect(steps == [.seal])
        #expect(progress.takeWaiters() == [second])
        #expect(steps.isEmpty && progress.takeWaiters().isEmpty)
    }

    @Test mutating func `Delay doubles with each failure up to 60 seconds`() {
        for delay in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(progress.shouldRead(at: now.running))
            _ = progress.recordFailure("no", at: now.running)
            pass(.seconds(delay) - .milliseconds(100))
            #expect(!progress.shouldRead(at: now.running))
            pass(.milliseconds(100))
        }
        // A success resets the delay.
        open(through: 0)
        _ = progress.recordFailure("no", at: now.running)
        #expect(progress.shouldRead(at: now.running + .seconds(1)))
        // A reader does not wait for the delay.
        #expect(!progress.shouldRead(at: now.running))
        progress.wait(for: 1, Waiter(id: 1))
        #expect(progress.shouldRead(at: now.running))
    }

    @Test mutating func `Problem is reported once, and ends when all events are sealed`()
        throws
    {
        let reported = ["a", "a", "b", "b", "a"].map {
            progress.recordFailure($0, at: now.running)
        }
        #expect(reported == [true, false, true, false, true] && progress.problem == "a")
        progress.recordOpened(manifest(through: 0))
        try read(1...3)
        let isOverEarly = progress.finishSteps(at: now)
        #expect(!isOverEarly && progress.problem == "a")
        _ = progress.recordSealed(manifest(through: 3))
        let isOver = [progress.finishSteps(at: now), progress.finishSteps(at: now)]
        #expect(isOver == [true, false] && progress.problem == nil)
    }

    @Test mutating func `Checkpoint moves past other events every 60 seconds`() throws {
        try readOthers(through: 9)
        #expect(progress.checkpoint == 9 && !progress.isArchived(through: 9))
        pass(.milliseconds(59_900))
        #expect(steps.isEmpty)
        pass(.milliseconds(100))
        #expect(steps == [.seal])
        _ = progress.recordSealed(manifest(through: 9))
        _ = progress.finishSteps(at: now)
        pass(.milliseconds(59_900))
        try read(10...10)
        pass(.milliseconds(100))
        // Pending events wait for their own time.
        #expect(steps.isEmpty)
    }

    @Test mutating func `Checkpoint moves when events fill a segment`() throws {
        let events = try [4, 5].map {
            try record(at: $0, stream: "s-1", type: "T", data: "{}")
        }
        progress.recordRead(events, through: 5, manifest(through: 4), at: now.running)
        #expect(progress.checkpoint == 4 && progress.isArchived(through: 4))
    }

    @Test mutating func `Segments expire every 60 seconds by the later of clock and last event`()
        throws
    {
        progress = ArchiveProgress(retentionDays: 2, timing: ArchiveProgress.Timing())
        progress.recordOpened(manifest(through: 0))
        let expired = ArchiveProgress.Step.expire(before: now.log + Self.day * -2)
        #expect(steps == [expired])
        // The step failed, so it is still due.
        _ = progress.recordFailure("no", at: now.running)
        #expect(steps == [expired])
        open(through: 0)
        try read(1...3)
        #expect(steps.isEmpty)
        pass(.seconds(60))
        #expect(steps == [.seal, .expire(before: now.log + Self.day * -2)])
        now.log = Timestamp(microseconds: -1)
        #expect(steps.last == .expire(before: Timestamp(microseconds: 0) + Self.day * -2))
    }

    @Test mutating func `Events that are read again after a failure are counted once`() throws {
        try read(1...3)
        _ = progress.recordSealed(manifest(through: 3))
        try read(4...6)
        _ = progress.recordFailure("no", at: now.running)
        #expect(progress.checkpoint == 3 && progress.matched.count == 6)
        // Events that were read before the failure are no longer pending.
        pass(.seconds(30))
        #expect(steps.isEmpty)
        open(through: 3)
        try read(4...5)
        #expect(progress.matched == (6, 6))
        try read(6...8)
        #expect(progress.matched == (8, 8))
    }
}
