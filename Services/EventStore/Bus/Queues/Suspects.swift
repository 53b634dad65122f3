/// The entries that their consumers lost together with others, and the greatest number of
/// deliveries that a consumer may have in flight with each.
///
/// A consumer that crashes loses all its deliveries, although perhaps only one of them makes it
/// crash. Each loss divides the number by four. The event that is the cause is soon alone, whatever
/// else the queue delivers meanwhile, and only it becomes a dead letter. The numbers are not
/// stored: after a restart of the store, the search begins again.
struct Suspects: Sendable {
    private var limits: [UInt64: Int] = [:]

    var isEmpty: Bool { limits.isEmpty }

    /// The greatest number of deliveries in flight of a consumer that gets the entry.
    subscript(sequence: UInt64) -> Int { limits[sequence] ?? .max }

    /// Records the loss of a delivery whose consumer had `company` in flight, this one included.
    mutating func note(lossOf sequence: UInt64, in company: Int) {
        limits[sequence] = max(1, min(self[sequence], company) / 4)
    }

    /// Forgets an entry that was handled, or that has left the memory.
    mutating func remove(_ sequence: UInt64) { limits[sequence] = nil }
}
