import Contracts
import EventSourcing

/// Events as the contracts of the suite's services have them today, of whatever version they were
/// written.
struct Upcasting {
    /// The types of today that are asked for; none for all.
    private let types: Set<String>
    /// Asks for the events that may be of those types today.
    let query: EventQuery
    private let families: [any PublishedPayloadFamily.Type]

    /// - Parameters:
    ///   - query: its types are those of today.
    ///   - families: of all categories whose events may be upcast.
    init(
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

    /// What `record` is today: itself, if it is of another category or was written so.
    ///
    /// The first of several events keeps the id of the record, which others may name as their
    /// cause; the ids of the rest derive from it.
    func today(_ record: RecordedEvent) throws -> [RecordedEvent] {
        let category = record.category
        guard let family = families.first(where: { $0.categories == [category] }) else {
            return [record]
        }
        let content = EventContent(type: record.type, data: record.data)
        let contents = try family.upcasters.upcast(content)
        return try contents.enumerated().compactMap { index, today in
            guard let event = try family.init(type: today.type, data: today.data) else {
                throw UnknownEvent(record, reader: family)
            }
            guard types.isEmpty || types.contains(today.type) else { return nil }
            guard today.type != content.type else { return record }
            return try record.replacing(
                id: index == 0 ? record.id : record.id.derived("upcast/\(index)"),
                tags: event.tags, content: today)
        }
    }
}
