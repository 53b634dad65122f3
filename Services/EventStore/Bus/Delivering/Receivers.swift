import DequeModule

/// The consumers that wait for an entry of a queue, in the order in which they came.
struct Receivers {
    private var waiting: Deque<(waiter: Waiter, consumer: String, deadline: RunningTime)> = []

    mutating func add(_ waiter: Waiter, of consumer: String, until deadline: RunningTime) {
        waiting.append((waiter, consumer, deadline))
    }

    /// Removes and returns the first one whose consumer may receive.
    mutating func popFirst(where mayReceive: (_ consumer: String) -> Bool) -> Waiter? {
        waiting.firstIndex { mayReceive($0.consumer) }.map { waiting.remove(at: $0).waiter }
    }

    /// Removes and returns the consumers that wait until `time` or less.
    mutating func removeAll(until time: RunningTime) -> [Waiter] {
        let taken = waiting.filter { $0.deadline <= time }
        if !taken.isEmpty { waiting.removeAll { $0.deadline <= time } }
        return taken.map(\.waiter)
    }
}
