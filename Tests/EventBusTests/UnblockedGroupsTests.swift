import EventSourcing
import Testing

@testable import EventBus

@Suite struct `Unblocked groups` {
    private let a = GroupKey(high: 0, low: 1)
    private let b = GroupKey(high: 0, low: 2)

    private func entry(_ sequence: UInt64, of group: GroupKey) -> QueueEntry {
        QueueEntry(
            sequence: sequence, position: sequence, group: group,
            enqueuedAt: Timestamp(microseconds: 0))
    }

    @Test func `Group with a dead entry stays blocked until all of them are dead letters`() {
        var groups = UnblockedGroups()
        for sequence in [1, 2, 2] as [UInt64] { groups.noteDeath(of: entry(sequence, of: a)) }
        #expect(groups.isDying(1) && !groups.isDying(3))
        let letters = ([1, 1] as [UInt64]).map { groups.noteLetter(of: $0) }
        #expect(letters == [true, false])
        for group in [a, b] { groups.block(group, letters: 1) }
        let mayUnblock = [a, b].map { groups.closeLetter(of: $0) }
        #expect(mayUnblock == [false, true])
        _ = groups.noteLetter(of: 2)
        groups.block(a, letters: 1)
        let last = groups.closeLetter(of: a)
        #expect(last && !groups.isDying(2))
    }

    @Test func `Group is unblocked when the last of its dead letters is closed`() {
        var groups = UnblockedGroups()
        groups.block(a, letters: 2)
        groups.block(a, letters: 1)
        let mayUnblock = (1...3).map { _ in groups.closeLetter(of: a) }
        #expect(mayUnblock == [false, false, true])
    }

    @Test func `Groups that are all unblocked have no dead letters to wait for`() {
        var groups = UnblockedGroups()
        groups.block(a, letters: 2)
        groups.insertAll([a])
        let next = groups.takeNext(atMost: 10)
        groups.block(a, letters: 1)
        let mayUnblock = groups.closeLetter(of: a)
        #expect(next == [a] && mayUnblock)
    }

    @Test func `Group that is blocked again is not read`() {
        var groups = UnblockedGroups()
        for group in [a, b] { groups.insert(group) }
        groups.block(a, letters: 1)
        let first = groups.takeNext(atMost: 10)
        #expect(first == [b] && groups.isEmpty)
        groups.block(b, letters: 1)
        let read = groups.finish([b])
        #expect(read.isEmpty)
    }

    @Test func `Groups that are being read when the queue is purged are read again`() {
        var groups = UnblockedGroups()
        groups.insert(a)
        _ = groups.takeNext(atMost: 10)
        groups.readAgain()
        let again = groups.takeNext(atMost: 10)
        let read = groups.finish([a])
        #expect(again == [a] && read == [a])
    }
}
