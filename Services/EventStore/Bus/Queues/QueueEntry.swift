import EventSourcing

/// The identity of a group of entries that are delivered in order, one at a time: the id of an
/// event or a conversation, or an id derived from a text. `none` if an event never was in its
/// queue.
typealias GroupKey = EventID

/// An event's place in a queue, and the history of its deliveries. The event itself stays in the
/// log.
struct QueueEntry: Hashable, Sendable {
    /// The entry's place in the queue, unique and ascending.
    let sequence: UInt64
    /// The event's position in the log.
    let position: UInt64
    /// The rule that matched the event, or empty if there was none.
    var rule = ""
    /// The replay that added the entry, if one did.
    var replay: String?
    let group: GroupKey
    let enqueuedAt: Timestamp
    /// The receive count: how often the entry was delivered.
    var receives = 0
    var firstReceivedAt: Timestamp?
    /// When the entry may be redelivered after a failure.
    var notBefore: RunningTime?
    /// The error of the last failed delivery.
    var error: String?
    /// The lease of the entry's delivery in flight. Nil if it is not in flight.
    var lease: Lease?
}

/// A delivery's exclusive claim to its entry until it expires.
struct Lease: Hashable, Sendable {
    let number: UInt64
    let consumer: String
    /// The token of the receive that got the lease.
    let token: EventID
    var visibility: Duration
    var expires: RunningTime
}
