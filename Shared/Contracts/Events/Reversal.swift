public import EventSourcing

/// How what happened is reversed: by what happens next, for the log keeps what it has.
public enum Reversal: Sendable {
    /// The service that has written it does, with an event of one of these types.
    case by([any EventPayload.Type])
    /// It is a step of an order's saga: when its order is reversed, an event of one of these types
    /// undoes it.
    case withItsOrder([any EventPayload.Type])
    /// Nothing does, for this reason: a clause in plain words.
    case none(because: String)
}

/// A payload that may have been written to reverse an event.
public protocol Reversing: EventPayload {
    var reverses: Reverses? { get }
}

/// Which event is reversed, and why.
public struct Reverses: Codable, Hashable, Sendable {
    public var event: EventID
    /// In the words of who has it reversed.
    public var reason: String

    public init(event: EventID, reason: String) {
        self.event = event
        self.reason = reason
    }

    var tag: String { event.reversalTag }
}

extension PublishedPayloadFamily {
    public static var services: [String] { Contract.services }

    public var reverses: EventID? { (payload as? any Reversing)?.reverses?.event }

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
            return "\(kind.writer) has written it: '\(kind.writer) reverse'"
        }
    }
}
