public import Contracts
public import EventSourcing

/// The list of credits: the money paid into accounts.
public enum CreditProjection: Projection {
    /// The events that the projection reads.
    public enum Event: PayloadFamily, Hashable {
        /// Money was paid in.
        case credited(MoneyCredited)

        /// How the events are decoded.
        public static let cases = PayloadCases([.init(Event.credited)])
    }

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The credits, in the order of the log.
        public var credits = Journal<CreditView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 1

    /// Adds the event to the list.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .credited(let event):
            model.credits.append(
                CreditView(event, position: recorded.position, time: recorded.time))
        }
    }
}
