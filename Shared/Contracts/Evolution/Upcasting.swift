public import EventSourcing

/// Converts events of any version to the current versions of the suite's contracts.
public struct Upcasting {
    /// The current types to return; empty for all types.
    private let types: Set<String>
    /// The query for the events that may become those types.
    public let query: EventQuery
    private let families: [any PublishedPayloadFamily.Type]

    /// Creates a converter for the events of a query.
    ///
    /// - Parameters:
    ///   - query: the query, whose types are current types.
    ///   - families: the event families of all categories whose events may be upcast.
    public init(
        _ query: EventQuery, families: [any PublishedPayloadFamily.Type] = Contract.families
    ) {
        self.families = families
        types = Set(query.items.flatMap(\.types))
        self.query = EventQuery(
            query.items.map { item in
                var item = item
                item.types = families.reduce(item.types) { $1.upcasters.sources(of: $0) }
                return item
            })
    }

    /// Returns the events that `record` is in the current versions.
    ///
    /// A record of another category or of a current version stays as it is. Events of types that
    /// the query does not ask for are left out, and so are events that an amendment says to skip.
    /// The first event keeps the id of the record, because others may name it as their cause. The
    /// ids of the rest derive from it.
    ///
    /// - Throws: `unreadable` if the family does not know the type.
    public func today(_ record: RecordedEvent) throws -> [RecordedEvent] {
        guard !record.isSkipped else { return [] }
        let category = record.category
        guard let family = families.first(where: { $0.categories == [category] }) else {
            return [record]
        }
        let content = EventContent(type: record.type, data: record.data)
        let contents = try family.upcasters.upcast(content)
        return try contents.enumerated().compactMap { index, today in
            guard let event = try family.init(type: today.type, data: today.data) else {
                throw UnreadableEvent.unknownType(of: record, reader: family)
            }
            guard types.isEmpty || types.contains(today.type) else { return nil }
            guard today.type != content.type else { return record }
            return try record.replacing(
                id: index == 0 ? record.id : record.id.derived("upcast/\(index)"),
                tags: event.tags, content: today)
        }
    }
}
