import EventSourcing
import WireProtocol

/// The part of the feed that a subscription receives, and how it detects gaps.
///
/// The records of a category and all amendments form a chain: each has the position of the one
/// before it. So a subscription to one category receives only that category and the amendments.
///
/// Several chains are not enough. A record of one category says nothing about the others. If a
/// record of another category was lost, the subscription would notice it too late and return events
/// out of order. So a subscription to several categories receives the whole feed, whose positions
/// have no gaps.
///
/// Topics of types do not help, because the record before another in the chain may have any type.
enum FeedScope: Hashable {
    case all
    case category(String)

    init(_ query: EventQuery) {
        let named = (query.categories ?? []).filter { $0 != StreamName.amendmentCategory }
        self = named.first.flatMap { named.count == 1 ? .category($0) : nil } ?? .all
    }

    /// The topic prefixes to subscribe to.
    var topics: [String] {
        switch self {
        case .all: [""]
        case .category(let category):
            [category, StreamName.amendmentCategory].map(Feed.prefix(category:))
                + [Feed.heartbeatTopic]
        }
    }

    /// Returns whether the event is part of the chain. Topics are prefixes, so other events may
    /// come.
    func contains(_ event: RecordedEvent) -> Bool {
        switch self {
        case .all: true
        case .category(let category):
            event.category == category || event.category == StreamName.amendmentCategory
        }
    }

    /// Returns whether the event is the next of the chain after `through`.
    func isNext(_ event: RecordedEvent, after through: UInt64) -> Bool {
        switch self {
        case .all: event.position > through && event.position - through == 1
        case .category: event.previousInCategory <= through
        }
    }
}
