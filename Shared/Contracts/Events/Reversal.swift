public import EventSourcing

/// How an event is reversed. The log keeps every event, so only a later event can undo one.
public enum Reversal: Sendable {
    /// The service that wrote the event reverses it with an event of one of these types.
    case by([any EventPayload.Type])
    /// The event is a step of an order's saga. Reversing the order undoes it with an event of one
    /// of these types.
    case withItsOrder([any EventPayload.Type])
    /// Nothing reverses the event, for this reason: a clause in plain words.
    case none(because: String)
}

/// The event that is reversed, and why.
public struct Reverses: Codable, Hashable, Sendable {
    /// The id of the reversed event.
    public var event: EventID
    /// Why it is reversed, in the actor's words.
    public var reason: String

    /// Creates a reference to the reversed event.
    public init(event: EventID, reason: String) {
        self.event = event
        self.reason = reason
    }

    /// Returns the purpose of a movement that reverses another for this reason, for people.
    static func purpose(_ reason: String) -> String { "reversal: \(reason)" }
}

extension PublishedPayloadFamily {
    /// The id of the event that this one reverses, or nil.
    public var reverses: EventID? { payload.reverses?.event }

    /// Returns why `service` can't reverse the event, with what to do instead, or nil if it can.
    public func obstacle(toReversalBy service: String) -> String? {
        let (payload, kind) = (payload, Swift.type(of: payload))
        switch kind.reversal {
        case .none(let reason):
            return reason
        case .withItsOrder:
            let order = (payload as? any ConcernsOrder)?.order ?? ""
            return "it is a step of order \(order): reverse its OrderPlaced or OrderConfirmed "
                + "('orders reverse'), or cancel it ('orders cancel \(order)')"
        case .by:
            guard kind.writer != service else { return nil }
            return "\(kind.writer) wrote it: use '\(kind.writer) reverse'"
        }
    }
}
