import EventSourcing
import WireProtocol

/// What of the feed a subscription listens to, and how it knows that it has missed nothing.
///
/// The records of a category are a chain, each carrying the position of the one before it, so a
/// subscription to one category needs to hear that category alone. Several chains would not do: a
/// record of one category says nothing of the others, and one of them that was lost, and stands
/// before it in the log, would come to light only after it. So whoever asks for several categories
/// hears the whole feed, whose positions have no gaps. Topics of types are no use at all: a
/// record's predecessor may be of any type.
enum FeedScope: Hashable {
    case all
    case category(String)

    init(_ query: EventQuery) {
        let named = query.categories ?? []
        self = named.first.flatMap { named.count == 1 ? .category($0) : nil } ?? .all
    }

    /// The prefixes of the topics to subscribe to.
    var topics: [String] {
        switch self {
        case .all: [""]
        case .category(let category): [Feed.prefix(category: category), Feed.heartbeatTopic]
        }
    }

    /// Whether the chain goes over the event. Topics are prefixes, and may bring some it does not.
    func contains(_ event: RecordedEvent) -> Bool {
        switch self {
        case .all: true
        case .category(let category): event.category == category
        }
    }

    /// Whether nothing that the chain goes over lies between `through` and the event behind it.
    func isNext(_ event: RecordedEvent, after through: UInt64) -> Bool {
        switch self {
        case .all: event.position > through && event.position - through == 1
        case .category: event.previousInCategory <= through
        }
    }
}
