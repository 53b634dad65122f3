/// The entries that their consumers lost together with others, and the greatest number of
/// deliveries that a consumer may have in flight with each.
///
/// A consumer that crashes loses all its deliveries, although perhaps only one of them makes it
/// crash. Each loss divides the number by four. The event that is the cause is soon alone, whatever
/// else the queue delivers meanwhile, and only it becomes a dead letter. The numbers are not
/// stored: after a restart of the store, the search begins again.
struct Suspects: Sendable {
    private var limits: [UInt64: Int] = [:]
    /// Since when the first one that is ready has found no consumer with few enough deliveries.
    private var waitingSince: RunningTime?

    /// Whether consumers get nothing else until the first one is delivered.
    ///
    /// Consumers that have too many deliveries pass it over for a while. Then they get nothing for
    /// as long, so that they finish what they have, and so on by turns, each pair of which takes
    /// twice as long as the one before. So neither the suspects nor the others wait without end,
    /// also if deliveries take hours.
    private(set) var areWaitedFor = false

    /// The greatest number of deliveries in flight of a consumer that gets the entry.
    subscript(sequence: UInt64) -> Int { limits[sequence] ?? .max }

    /// Records the loss of a delivery whose consumer had `count` in flight, this one included.
    mutating func note(lossOf sequence: UInt64, of count: Int) {
        limits[sequence] = max(1, min(self[sequence], count) / 4)
    }

    /// Forgets an entry that was handled, or that has left the memory.
    mutating func remove(_ sequence: UInt64) { limits[sequence] = nil }

    /// Records whether one is ready. Consumers pass it over for the first `turn`.
    mutating func update(isReady: Bool, at now: RunningTime, turn: Duration) {
        guard isReady else { return noteDelivery() }
        let since = waitingSince ?? now
        waitingSince = since
        // The pairs of turns begin when this is 1, 2, 4 and so on.
        let pairs = (now - since) / max(turn, .seconds(1)) / 2 + 1
        areWaitedFor = pairs.significand >= 1.5
    }

    /// Records that the first one was delivered.
    mutating func noteDelivery() {
        waitingSince = nil
        areWaitedFor = false
    }
}
