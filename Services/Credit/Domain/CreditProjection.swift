public import Contracts
public import EventSourcing

/// The list of what has been paid in.
public enum CreditProjection: Projection {
    public enum Event: PayloadFamily, Hashable {
        case credited(MoneyCredited)

        public static let cases = PayloadCases([.init(Event.credited)])
    }

    public struct Model: Codable, Sendable {
        public var credits = Journal<CreditView>()

        public init() {}
    }

    public static let version = 1

    public static func project(_ recorded: Recorded<Event>, onto model: inout Model) {
        switch recorded.event {
        case .credited(let event):
            model.credits.append(
                CreditView(event, position: recorded.position, time: recorded.time))
        }
    }
}
