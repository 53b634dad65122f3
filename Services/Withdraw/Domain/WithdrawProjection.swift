public import Contracts
public import EventSourcing

/// The list of what has been withdrawn.
public enum WithdrawProjection: Projection {
    public enum Event: PayloadFamily, Hashable {
        case withdrawn(MoneyWithdrawn)

        public static let cases = PayloadCases([.init(Event.withdrawn)])
    }

    public struct Model: Codable, Sendable {
        public var withdrawals = Journal<WithdrawalView>()

        public init() {}
    }

    public static let version = 1

    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .withdrawn(let event):
            model.withdrawals.append(
                WithdrawalView(event, position: recorded.position, time: recorded.time))
        }
    }
}
