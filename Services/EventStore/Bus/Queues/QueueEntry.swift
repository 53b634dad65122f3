import EventSourcing

/// The identity of a group of entries that are delivered in order, one at a time.
struct GroupKey: Hashable, Sendable {
    var high: UInt64
    var low: UInt64
}

/// An event's place in a queue, and how its delivery has gone so far. The event itself stays in
/// the log.
struct QueueEntry: Hashable, Sendable {
    /// Its place in the queue: unique, and the order.
    let sequence: UInt64
    /// The event's place in the log.
    let position: UInt64
    /// The rule that matched the event; empty where there was none.
    var rule = ""
    /// The replay that put it here.
    var replay: String?
    let group: GroupKey
    let enqueuedAt: Timestamp
    /// How often it was delivered.
    var receives = 0
    var firstReceivedAt: Timestamp?
    /// When it may be delivered again after a failure.
    var notBefore: RunningTime?
    /// What went wrong the last time.
    var error: String?
    /// The lease of the entry's delivery in flight. Nil if it is not in flight.
    var lease: Lease?
}

/// A delivery's claim to its entry.
struct Lease: Hashable, Sendable {
    let number: UInt64
    let consumer: String
    /// The token of the receive that got it.
    let token: EventID
    var visibility: Duration
    var expires: RunningTime
}
