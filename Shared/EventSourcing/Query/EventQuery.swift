/// Which events: a union of items, each a conjunction. A query without items asks for all.
public struct EventQuery: Hashable, Sendable {
    /// Events that are in any of the streams, in any of the categories, of any of the types, in
    /// any of the conversations, and carry all the tags. An empty list asks nothing.
    public struct Item: Hashable, Sendable {
        public var streams: [StreamName]
        public var categories: [String]
        public var types: [String]
        public var tags: [String]
        /// Correlation ids.
        public var correlations: [EventID]

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

        public var isUnconditional: Bool {
            streams.isEmpty && categories.isEmpty && types.isEmpty && tags.isEmpty
                && correlations.isEmpty
        }
    }

    public var items: [Item]

    public init(_ items: [Item] = []) { self.items = items }

    public static let all = EventQuery()

    public static func stream(_ stream: StreamName) -> EventQuery {
        EventQuery([Item(streams: [stream])])
    }
    public static func categories(_ categories: [String]) -> EventQuery {
        EventQuery([Item(categories: categories)])
    }
    public static func types(_ types: [String]) -> EventQuery { EventQuery([Item(types: types)]) }
    public static func tags(_ tags: [String]) -> EventQuery { EventQuery([Item(tags: tags)]) }
    public static func correlations(_ ids: [EventID]) -> EventQuery {
        EventQuery([Item(correlations: ids)])
    }

    /// Whether the query asks for every event.
    public var isAll: Bool { items.isEmpty || items.contains(where: \.isUnconditional) }

    /// The categories that what it asks for is in; nil if it may be in any.
    public var categories: Set<String>? {
        let parts = items.map { item in
            item.streams.isEmpty ? item.categories : item.streams.map(\.category)
        }
        return items.isEmpty || parts.contains(where: \.isEmpty) ? nil : Set(parts.joined())
    }

    /// The same where it says what it wants, and what `other` wants where it asks nothing: so the
    /// categories and types that a reader knows come to the streams or tags of an entity.
    public func narrowed(to other: EventQuery) -> EventQuery {
        guard !isAll else { return other }
        guard !other.isAll else { return self }
        return EventQuery(
            items.flatMap { item in other.items.map { item.narrowed(to: $0) } })
    }

    public func matches(_ event: RecordedEvent) -> Bool {
        items.isEmpty || items.contains { $0.matches(event) }
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

    public func matches(_ event: RecordedEvent) -> Bool {
        if !streams.isEmpty || !categories.isEmpty {
            let stream = event.stream
            guard streams.isEmpty || streams.contains(stream) else { return false }
            guard categories.isEmpty || categories.contains(stream.category) else { return false }
        }
        guard types.isEmpty || types.contains(event.type) else { return false }
        guard correlations.isEmpty || correlations.contains(event.correlationID) else {
            return false
        }
        guard !tags.isEmpty else { return true }
        let carried = event.tags
        return tags.allSatisfy(carried.contains)
    }
}
