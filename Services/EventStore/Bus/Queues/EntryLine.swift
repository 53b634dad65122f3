import DequeModule
import EventSourcing

/// Sequences in ascending order. The first one is stored inline, so that a group with a single
/// entry, the common case, allocates nothing.
struct EntryLine: Sendable {
    private(set) var first: UInt64?
    private var rest: Deque<UInt64> = []

    /// Inserts a sequence. Almost always it goes to the end, or to the start if it was in flight or
    /// is redriven. Both take constant time. In between, the smaller side is moved.
    mutating func insert(_ sequence: UInt64) {
        guard let first else {
            self.first = sequence
            return
        }
        if sequence < first {
            rest.prepend(first)
            self.first = sequence
        } else if rest.last ?? first < sequence {
            rest.append(sequence)
        } else {
            rest.insert(sequence, at: rest.partitioningIndex { $0 >= sequence })
        }
    }

    mutating func remove(_ sequence: UInt64) {
        if sequence == first {
            _ = popFirst()
        } else if let index = rest.firstIndex(of: sequence) {
            rest.remove(at: index)
        }
    }

    mutating func popFirst() -> UInt64? {
        guard let first else { return nil }
        self.first = rest.popFirst()
        return first
    }
}
