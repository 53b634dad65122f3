import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Bus commits` {
    private let time = BusTime(running: .zero + .seconds(5), log: Timestamp(microseconds: 9))
    private var commits = Commits(after: JournalRecord())

    private func letter(_ id: UInt64) -> DeadLetterRow {
        let letter = DeadLetter(
            queue: "q", rule: "r", replay: nil, position: 1, event: .none, type: "T", sequence: 1,
            group: "g", cause: .maximumAge, error: nil, receives: 0, enqueuedAt: time.log,
            firstReceivedAt: nil)
        return DeadLetterRow(id: id, letter: letter, group: group, diedAt: time.log)
    }

    private mutating func begin(routed: UInt64) -> JournalRecord {
        commits.begin(routed: routed, at: time, queues: [:], replays: [:]).record
    }

    @Test mutating func `Commit has the changes so far, and names its waiters once`() {
        commits.record(WriteBatch(rules: ["r": nil]))
        commits.wait(Waiter(id: 1))
        commits.waitForTables(Waiter(id: 2))
        #expect(commits.hasWaiters)
        let writes = [Int64(1): QueueWrites(deleted: 1)]
        let first = commits.begin(routed: 3, at: time, queues: writes, replays: [:])
        #expect(first.record.batch == WriteBatch(queues: writes, rules: ["r": nil]))
        #expect(first.waiters == [Waiter(id: 1)] && first.readers == [Waiter(id: 2)])
        #expect(!commits.hasWaiters)
        let second = commits.begin(routed: 3, at: time, queues: [:], replays: [:])
        #expect(second.record.batch.isEmpty && second.waiters.isEmpty && second.readers.isEmpty)
    }

    @Test mutating func `Caller can join the commit in progress, which names it once`() {
        #expect(!commits.isUnderWay && !commits.hasChanges)
        commits.record(WriteBatch(rules: ["r": nil]))
        #expect(commits.hasChanges)
        let record = begin(routed: 1)
        #expect(commits.isUnderWay && !commits.hasChanges)
        commits.join(Waiter(id: 1))
        commits.finish(record, through: 1)
        #expect(!commits.isUnderWay)
        #expect(commits.takeJoined() == [Waiter(id: 1)])
        #expect(commits.takeJoined().isEmpty)
    }

    @Test mutating func `Commit is due for changes at once, and for time after a second`() {
        func isDue(
            _ seconds: Double, hasChanges: Bool = false, isTimed: Bool = false, routed: UInt64 = 3
        ) -> Bool {
            commits.isDue(
                at: time.running + .seconds(seconds), hasChanges: hasChanges, isTimed: isTimed,
                routed: routed)
        }
        commits.finish(begin(routed: 3), through: 1)
        #expect(!isDue(0.5, isTimed: true) && isDue(1, isTimed: true))
        #expect(!isDue(100) && isDue(1, routed: 4) && !isDue(0.5, routed: 4))
        #expect(isDue(0, hasChanges: true))
        commits.record(WriteBatch(closedDeadLetters: [1]))
        #expect(isDue(0))
    }

    @Test mutating func `Dead letter is found in the changes that the tables may lack`() {
        commits.record(WriteBatch(newDeadLetters: [1: letter(1)]))
        #expect(commits.deadLetter(1).row?.id == 1 && commits.deadLetter(2).row == nil)
        let record = begin(routed: 1)
        #expect(commits.deadLetter(1).row?.id == 1)
        commits.finish(record, through: 1)
        #expect(commits.deadLetter(1).row?.id == 1)
        commits.record(WriteBatch(closedDeadLetters: [1]))
        #expect(commits.deadLetter(1).row == nil && commits.deadLetter(1).isClosed)
    }

    @Test mutating func `Commits are folded together onto the tables`() {
        #expect(!commits.isFoldDue)
        for routed in 1...2 as ClosedRange<UInt64> {
            commits.record(WriteBatch(newDeadLetters: [routed: letter(routed)]))
            commits.finish(begin(routed: routed), through: routed * 10)
        }
        // They span five seconds.
        #expect(commits.isFoldDue)
        let (record, through) = commits.takeUnstored()
        #expect(record.routed == 2 && through == 20)
        #expect(record.batch.newDeadLetters.count == 2)
        #expect(!commits.isFoldDue)
        #expect(commits.takeUnstored().record.batch.isEmpty)
        #expect(commits.deadLetter(1).row == nil)
    }
}
