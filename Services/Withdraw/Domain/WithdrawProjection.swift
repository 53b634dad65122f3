public import Contracts
public import EventSourcing

/// The list of withdrawals from accounts.
public enum WithdrawProjection: Projection {
    /// The events that the projection reads.
    public enum Event: PayloadFamily, Hashable {
        /// Money was paid out.
        case withdrawn(MoneyWithdrawn)

        /// How the events are decoded.
        public static let cases = PayloadCases([.init(Event.withdrawn)])
    }

    /// The tables of the read model.
    public struct Model: Codable, Sendable {
        /// The withdrawals, in the order of the log.
        public var withdrawals = Journal<WithdrawalView>()

        /// Creates an empty model.
        public init() {}
    }

    /// The version of model and fold.
    public static let version = 1

    /// Adds the event to the list.
    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .withdrawn(let event):
            model.withdrawals.append(
                WithdrawalView(event, position: recorded.position, time: recorded.time))
        }
    }
}
