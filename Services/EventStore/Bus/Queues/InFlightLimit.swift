import WireProtocol

/// How many deliveries a consumer of a queue may have in flight at a time.
///
/// A consumer that crashes loses all its deliveries, although perhaps only one of them makes it
/// crash. After a loss of several, consumers get fewer at a time, until the event that is the cause
/// is alone and becomes a dead letter without the others. Each verdict raises the limit again. It
/// is not stored: after a restart of the store, the search begins again.
struct InFlightLimit {
    private static let most = ReceiveRequest.maximumCount

    private(set) var count = most

    /// Returns how many more deliveries the consumer may have.
    func left(for consumer: String, with inFlight: EntriesInFlight) -> Int {
        // A receive asks for no more than the greatest limit.
        count == Self.most ? Self.most : count - inFlight.count(of: consumer)
    }

    /// Lowers the limit after a consumer has lost this many deliveries at once.
    mutating func lower(afterLossOf deliveries: Int) {
        // The limit doubles after as many verdicts as it allows. After a quarter and then a half of
        // the lost deliveries are handled, a quarter is left, so the next loss is smaller.
        if deliveries > 1 { count = max(1, min(count, deliveries) / 4) }
    }

    /// Raises the limit after a verdict.
    mutating func raise() { count = min(count + 1, Self.most) }
}
