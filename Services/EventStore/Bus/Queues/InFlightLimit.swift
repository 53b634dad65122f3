import WireProtocol

/// How many deliveries a consumer of a queue may have in flight at a time.
///
/// A consumer that crashes loses all its deliveries, although perhaps only one of them makes it
/// crash. So after each loss of several, consumers get fewer at a time, until the event that is the
/// cause is alone and becomes a dead letter without the others. Each verdict raises the limit
/// again. It is not stored: after a restart of the store, the search begins again.
struct InFlightLimit {
    private static let most = ReceiveRequest.maximumCount

    private(set) var count = most

    var isLow: Bool { count < Self.most }

    /// Lowers the limit after a consumer has lost this many deliveries at once.
    mutating func lower(afterLossOf deliveries: Int) {
        // Verdicts on as many deliveries as the limit allows double it. Handling a quarter of those
        // that were lost, and then a half, leaves a quarter. So the next loss is smaller.
        if deliveries > 1 { count = max(1, min(count, deliveries) / 4) }
    }

    /// Raises the limit after a verdict.
    mutating func raise() { count = min(count + 1, Self.most) }
}
