/// Selects events: those that match any of its items. A query without items matches all events.
public struct EventQuery: Hashable, Sendable {
    /// Selects the events that fulfil all of its lists.
    ///
    /// An event is in any of the streams, in any of the categories, of any of the types, in any of
    /// the conversations, and has all the tags. An empty list matches all events.
    public struct Item: Hashable, Sendable {
        /// The streams, any of which may hold the event.
        public var streams: [StreamName]
        /// The categories, any of which may hold the event.
        public var categories: [String]
        /// The types, any of which the event may have.
        public var types: [String]
        /// The tags, all of which the event must have.
        public var tags: [String]
        /// The correlation ids, any of which the event may have.
        public var correlations: [EventID]

        /// Creates an item. An omitted list matches all events.
        public init(
            streams: [StreamName] = [], categories: [String] = [], types: [String] = [],
            tags: [String] = [], correlations: [EventID] = []
        ) {
            self.streams = streams
            self.categories = categories
            self.types = types
            self.tags = tags
            self.correlations = correlations
        }

        /// Whether the item matches every event.
        public var isUnconditional: Bool { self == Item() }
    }

    /// The items, any of which an event must match.
    public var items: [Item]

    /// Creates a query of items.
    public init(_ items: [Item] = []) { self.items = items }

    /// The query that matches all events.
    public static let all = EventQuery()

    /// Returns the query of a stream's events.
    public static func stream(_ stream: StreamName) -> EventQuery {
        EventQuery([Item(streams: [stream])])
    }
    /// Returns the query of the events in any of the categories.
    public static func categories(_ categories: [String]) -> EventQuery {
        EventQuery([Item(categories: categories)])
    }
    /// Returns the query of the events of any of the types.
    public static func types(_ types: [String]) -> EventQuery { EventQuery([Item(types: types)]) }
    /// Returns the query of the events with all of the tags.
    public static func tags(_ tags: [String]) -> EventQuery { EventQuery([Item(tags: tags)]) }
    /// Returns the query of the events in any of the conversations.
    public static func correlations(_ ids: [EventID]) -> EventQuery {
        EventQuery([Item(correlations: ids)])
    }

    /// Whether the query matches every event.
    public var isAll: Bool { items.isEmpty || items.contains(where: \.isUnconditional) }

    /// The categories that a match can be in, or nil if it can be in any.
    public var categories: Set<String>? {
        let parts = items.map { item in
            item.streams.isEmpty ? item.categories : item.streams.map(\.category)
        }
        return items.isEmpty || parts.contains(where: \.isEmpty) ? nil : Set(parts.joined())
    }

    /// Returns this query, with each empty list filled from `other`.
    ///
    /// For example, it adds the categories and types that a reader knows to a query of an entity's
    /// streams or tags.
    public func narrowed(to other: EventQuery) -> EventQuery {
        guard !isAll else { return other }
        guard !other.isAll else { return self }
        return EventQuery(
            items.flatMap { item in other.items.map { item.narrowed(to: $0) } })
    }

    /// Returns whether the event matches the query.
    public func matches(_ event: RecordedEvent) -> Bool {
        var fields = QueriedFields(of: event)
        return items.isEmpty || items.contains { $0.matches(&fields) }
    }
}

extension EventQuery.Item {
    fileprivate func narrowed(to other: Self) -> Self {
        Self(
            streams: streams.isEmpty ? other.streams : streams,
            categories: categories.isEmpty ? other.categories : categories,
            types: types.isEmpty ? other.types : types, tags: tags.isEmpty ? other.tags : tags,
            correlations: correlations.isEmpty ? other.correlations : correlations)
    }

    /// Returns whether the event with these fields matches the item.
    public func matches(_ event: inout QueriedFields) -> Bool {
        guard streams.isEmpty || streams.contains(event.stream),
            categories.isEmpty || categories.contains(event.category),
            types.isEmpty || types.contains(event.type),
            correlations.isEmpty || correlations.contains(event.correlationID)
        else { return false }
        guard !tags.isEmpty else { return true }
        let carried = event.tags
        return tags.allSatisfy(carried.contains)
    }
}
