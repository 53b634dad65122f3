/// The sequences of the entries of a queue that are in flight, with their consumers.
struct EntriesInFlight: Sendable {
    private struct Consumer {
        var sequences: Set<UInt64> = []
        /// The limits of those entries that were lost before, together with others.
        var limits: [UInt64: Int] = [:] { didSet { most = limits.values.min() ?? .max } }
        /// The least of the limits.
        private(set) var most = Int.max
        /// How many were in flight when the consumer first lost one, since its last verdict.
        var lostTogether = 0
    }

    private var consumers: [UInt64: String] = [:]
    private var byConsumer: [String: Consumer] = [:]

    var count: Int { consumers.count }
    var sequences: some Collection<UInt64> { consumers.keys }

    /// Returns the consumer's entries.
    func sequences(of consumer: String) -> Set<UInt64> { byConsumer[consumer]?.sequences ?? [] }

    /// Returns how many entries the consumer has, and how many it may have because of them.
    func count(of consumer: String) -> (held: Int, most: Int) {
        byConsumer[consumer].map { ($0.sequences.count, $0.most) } ?? (0, .max)
    }

    /// - Parameter limit: how many entries the consumer may have while it has this one.
    mutating func insert(_ sequence: UInt64, of consumer: String, limit: Int = .max) {
        remove(sequence)
        consumers[sequence] = consumer
        byConsumer[consumer, default: Consumer()].sequences.insert(sequence)
        if limit < .max { byConsumer[consumer]?.limits[sequence] = limit }
    }

    /// Removes the entry. Returns whether it was in flight.
    @discardableResult
    mutating func remove(_ sequence: UInt64) -> Bool {
        guard let consumer = consumers.removeValue(forKey: sequence) else { return false }
        byConsumer[consumer]?.sequences.remove(sequence)
        if byConsumer[consumer]?.limits[sequence] != nil {
            byConsumer[consumer]?.limits[sequence] = nil
        }
        if byConsumer[consumer]?.sequences.isEmpty == true { byConsumer[consumer] = nil }
        return true
    }

    /// Returns how many deliveries the consumer loses together with one that it loses now.
    ///
    /// The leases of a consumer that has crashed expire one after the other. Until the consumer
    /// gives a verdict, all of them count as lost together.
    mutating func noteLoss(of consumer: String) -> Int {
        let held = count(of: consumer).held
        let lost = max(byConsumer[consumer]?.lostTogether ?? 0, held)
        byConsumer[consumer]?.lostTogether = lost
        return lost
    }

    /// Records that the consumer of the entry is alive.
    mutating func noteVerdict(on sequence: UInt64) {
        if let consumer = consumers[sequence] { byConsumer[consumer]?.lostTogether = 0 }
    }
}
