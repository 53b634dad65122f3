/// The sequences of the entries of a queue that are in flight, with their consumers.
struct EntriesInFlight: Sendable {
    private var consumers: [UInt64: String] = [:]
    /// How many each consumer has. It has no consumer without any.
    private var counts: [String: Int] = [:]

    var count: Int { consumers.count }
    var sequences: some Collection<UInt64> { consumers.keys }

    /// Returns the number of the consumer's entries.
    func count(of consumer: String) -> Int { counts[consumer, default: 0] }

    /// Returns the sequences of the consumer's entries, in no order.
    func sequences(of consumer: String) -> [UInt64] {
        count(of: consumer) == 0 ? [] : consumers.filter { $1 == consumer }.map(\.key)
    }

    mutating func insert(_ sequence: UInt64, of consumer: String) {
        remove(sequence)
        consumers[sequence] = consumer
        counts[consumer, default: 0] += 1
    }

    /// Removes the entry. Returns whether it was in flight.
    @discardableResult
    mutating func remove(_ sequence: UInt64) -> Bool {
        guard let consumer = consumers.removeValue(forKey: sequence) else { return false }
        let left = count(of: consumer) - 1
        counts[consumer] = left == 0 ? nil : left
        return true
    }
}
