import DequeModule

/// The consumers that wait for an entry of a queue, in the order in which they came.
struct Receivers {
    private var waiting: Deque<(waiter: Waiter, deadline: RunningTime)> = []

    mutating func add(_ waiter: Waiter, until deadline: RunningTime) {
        waiting.append((waiter, deadline))
    }

    mutating func popFirst() -> Waiter? { waiting.popFirst()?.waiter }

    /// Removes and returns the consumers that wait until `time` or less.
    mutating func removeAll(until time: RunningTime) -> [Waiter] {
        let taken = waiting.filter { $0.deadline <= time }
        if !taken.isEmpty { waiting.removeAll { $0.deadline <= time } }
        return taken.map(\.waiter)
    }
}
