/// A broken rule: something that does not hold, or has not happened although it must.
public struct Finding: Hashable, Sendable {
    /// The rule that is broken.
    public enum Kind: String, Codable, CaseIterable, Hashable, Sendable {
        /// An invariant does not hold.
        case invariant
        /// An amount does not fit into the 64 bits that services calculate with.
        case overflow
        /// The id in the event's data is not the id of its stream.
        case misplaced
        /// The event's type is unknown in its category, or its data breaks its contract.
        case unreadable
        /// The order was confirmed after its deadline.
        case lateConfirmation
        /// A participant has not acted on an event.
        case missingConsequence
        /// The order is still pending.
        case unfinishedOrder
        /// A service shows a value that differs from the log.
        case difference
        /// A queue keeps events from its participant.
        case queue
    }

    /// The rule that is broken.
    public var kind: Kind
    /// The position of the event that the finding is about. Nil if it is about no single event.
    public var position: UInt64?
    /// The order that the finding is about, if it is about one.
    public var order: String?
    /// A message of one line for people.
    public var message: String
    /// The event on which a participant has not acted.
    public var trigger: Trigger?

    /// Creates a finding.
    public init(
        _ kind: Kind, _ message: String, position: UInt64? = nil, order: String? = nil,
        trigger: Trigger? = nil
    ) {
        self.kind = kind
        self.message = message
        self.position = position
        self.order = order
        self.trigger = trigger
    }
}

/// An event that a participant must act on.
public struct Trigger: Hashable, Sendable {
    /// The participant's queue, which has the participant's name.
    public var queue: String
    /// The position of the event.
    public var position: UInt64
    /// The name of the event's stream.
    public var stream: String
    /// The group of the event in the queue: its order, or the customer for creditLimit's queue.
    public var group: String
}
