import EventSourcing
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Changes of a commit` {
    private enum Change {
        case add(UInt64)
        case change(UInt64, receives: Int)
        case remove(UInt64)
        case purge(UInt64)

        func apply(to writes: inout QueueWrites) {
            switch self {
            case .add(let sequence): writes.add(entry(sequence))
            case .change(let sequence, let receives): writes.change(entry(sequence, receives))
            case .remove(let sequence): writes.remove(sequence)
            case .purge(let sequence): writes.purge(through: sequence)
            }
        }
    }

    private static func entry(_ sequence: UInt64, _ receives: Int = 0) -> QueueEntry {
        QueueEntry(
            sequence: sequence, position: sequence, group: GroupKey(high: 0, low: sequence),
            enqueuedAt: Timestamp(microseconds: 0), receives: receives)
    }

    /// Random changes as a queue makes them: only entries that it has are changed or removed.
    private static func changes(_ random: inout SplitMix) -> [Change] {
        var present: Set<UInt64> = [1, 2, 3]
        return (4..<40 as Range<UInt64>).map { sequence in
            let old = present.sorted().randomElement(using: &random)
            switch (Int.random(in: 0..<20, using: &random), old) {
            case (0..<6, let old?): return .change(old, receives: Int(sequence))
            case (6..<12, let old?):
                present.remove(old)
                return .remove(old)
            case (12, let old?):
                present = []
                return .purge(max(old, sequence))
            default:
                present.insert(sequence)
                return .add(sequence)
            }
        }
    }

    @Test func `Entry that came and went costs no write`() {
        var writes = QueueWrites(id: 1)
        Change.add(7).apply(to: &writes)
        Change.change(7, receives: 1).apply(to: &writes)
        Change.remove(7).apply(to: &writes)
        #expect(writes.isEmpty)
        Change.change(3, receives: 1).apply(to: &writes)
        Change.remove(3).apply(to: &writes)
        #expect(writes.removed == [3] && writes.puts.isEmpty)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `Changes of commits in a row are those of one commit`(seed: UInt64) {
        var random = SplitMix(state: seed)
        let changes = Self.changes(&random)
        var whole = QueueWrites(id: 1)
        for change in changes { change.apply(to: &whole) }
        for cut in changes.indices {
            var (first, second) = (QueueWrites(id: 1), QueueWrites(id: 1))
            for change in changes[..<cut] { change.apply(to: &first) }
            for change in changes[cut...] { change.apply(to: &second) }
            first.append(second)
            #expect(first == whole, "cut at \(cut)")
        }
    }

    @Test func `Deleted queue keeps only the changes after its deletion`() {
        var batch = WriteBatch()
        var writes = QueueWrites(id: 1)
        Change.add(7).apply(to: &writes)
        batch.append(WriteBatch(queues: [1: writes]))
        #expect(batch.entryCount == 1)
        batch.append(WriteBatch(queues: [1: QueueWrites(deleted: 1)]))
        #expect(batch.entryCount == 0)
        #expect(batch.queues[1] == QueueWrites(deleted: 1) && !batch.isEmpty)
    }

    @Test func `Dead letter that came and went is only closed`() {
        let letter = DeadLetter(
            queue: "q", rule: "r", replay: nil, position: 1, event: .none, type: "T", sequence: 1,
            group: "g", cause: .maximumAge, error: nil, receives: 0,
            enqueuedAt: Timestamp(microseconds: 0), firstReceivedAt: nil)
        let row = DeadLetterRow(
            id: 5, letter: letter, group: GroupKey(high: 0, low: 0),
            diedAt: Timestamp(microseconds: 0))
        var batch = WriteBatch(newDeadLetters: [5: row])
        batch.append(WriteBatch(closedDeadLetters: [4, 5]))
        #expect(batch == WriteBatch(closedDeadLetters: [4, 5]))
    }

    @Test func `Numbers are grouped into runs without gaps`() {
        #expect(Set<UInt64>().runs == [])
        #expect(Set<UInt64>([8, 1, 3, 2, 5, 7]).runs == [1...3, 5...5, 7...8])
    }
}
