/// The sequences of the entries of a queue that are in flight, with their consumers.
struct EntriesInFlight: Sendable {
    private struct Consumer {
        var sequences: Set<UInt64> = []
        /// How many were in flight when the consumer first lost one, since its last verdict.
        var company = 0
    }

    private var consumers: [UInt64: String] = [:]
    private var byConsumer: [String: Consumer] = [:]

    var count: Int { consumers.count }
    var sequences: some Collection<UInt64> { consumers.keys }

    /// Returns the consumer's entries.
    func sequences(of consumer: String) -> Set<UInt64> { byConsumer[consumer]?.sequences ?? [] }

    mutating func insert(_ sequence: UInt64, of consumer: String) {
        remove(sequence)
        consumers[sequence] = consumer
        byConsumer[consumer, default: Consumer()].sequences.insert(sequence)
    }

    /// Removes the entry. Returns whether it was in flight.
    @discardableResult
    mutating func remove(_ sequence: UInt64) -> Bool {
        guard let consumer = consumers.removeValue(forKey: sequence) else { return false }
        byConsumer[consumer]?.sequences.remove(sequence)
        if byConsumer[consumer]?.sequences.isEmpty == true { byConsumer[consumer] = nil }
        return true
    }

    /// Returns how many deliveries the consumer loses together with one that it loses now.
    ///
    /// The leases of a consumer that has crashed expire one after the other. Until the consumer
    /// gives a verdict, all of them count as lost together.
    mutating func companyAtLoss(of consumer: String) -> Int {
        let company = max(byConsumer[consumer]?.company ?? 0, sequences(of: consumer).count)
        byConsumer[consumer]?.company = company
        return company
    }

    /// Records that the consumer of the entry is alive.
    mutating func noteVerdict(on sequence: UInt64) {
        if let consumer = consumers[sequence] { byConsumer[consumer]?.company = 0 }
    }
}
