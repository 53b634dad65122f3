/// A position of the log that advances, and the waiters that wait until it reaches theirs.
///
/// It is pure: the owner resumes the waiters that it returns.
package struct PositionGate<Waiter> {
    /// The position that has been reached.
    package private(set) var position: UInt64
    /// Ordered by position. Waiters for the same position are in the order of their arrival.
    private var waiters: [(position: UInt64, waiter: Waiter)] = []

    /// Creates a gate without waiters.
    package init(at position: UInt64) { self.position = position }

    /// Whether nobody waits.
    package var isEmpty: Bool { waiters.isEmpty }

    /// Adds a waiter for a later position.
    package mutating func add(_ waiter: Waiter, for position: UInt64) {
        // Callers mostly wait for the latest position, so the search starts at the end.
        let earlier = waiters.lastIndex { $0.position <= position } ?? -1
        waiters.insert((position, waiter), at: earlier + 1)
    }

    /// Moves on to `position`. Removes and returns the waiters that it reaches, in order.
    package mutating func advance(to position: UInt64) -> [Waiter] {
        self.position = position
        let count = waiters.firstIndex { $0.position > position } ?? waiters.count
        guard count > 0 else { return [] }
        let reached = waiters[..<count].map { $0.waiter }
        waiters.removeFirst(count)
        return reached
    }

    /// Removes and returns the first waiter for which `isMeant` is true, or nil if it is true for
    /// no waiter.
    package mutating func remove(where isMeant: (Waiter) -> Bool) -> Waiter? {
        guard let index = waiters.firstIndex(where: { isMeant($0.waiter) }) else { return nil }
        return waiters.remove(at: index).waiter
    }

    /// Removes and returns all waiters, in order.
    package mutating func removeAll() -> [Waiter] {
        defer { waiters = [] }
        return waiters.map(\.waiter)
    }
}
