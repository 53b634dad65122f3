public import EventSourcing

extension ProjectedModel {
    /// Returns all rows of a table, in the order of their ids. A stopped entity takes the place of
    /// its row.
    public func listed<Row: Codable & Sendable & Identifiable>(
        _ table: KeyPath<P.Model, Table<Row>>
    ) -> [Listed<Row>] where Row.ID == String {
        let rows = tables[keyPath: table].sorted
        guard stopped.count > 0 else { return rows.map(Listed.shown) }
        let shown = rows.filter { stopped[$0.id] == nil }.map(Listed.shown)
        return (shown + stopped.sorted.map(Listed.stopped)).sorted { $0.id < $1.id }
    }

    /// Returns the rows with these ids, in their order, without those that are missing. A stopped
    /// entity takes the place of its row.
    public func listed<Row: Codable & Sendable & Identifiable>(
        _ ids: some Sequence<String>, in table: KeyPath<P.Model, Table<Row>>
    ) -> [Listed<Row>] where Row.ID == String {
        let rows = tables[keyPath: table]
        return ids.compactMap { id in
            stopped[id].map(Listed.stopped) ?? rows[id].map(Listed.shown)
        }
    }
}

/// A row of a list: an entity, or the news that it has stopped.
public enum Listed<Row: Codable & Sendable & Identifiable>: Sendable where Row.ID == String {
    /// The row of an entity.
    case shown(Row)
    /// An entity that has stopped. The list does not show its row, which is out of date.
    case stopped(StoppedEntity)

    /// The id of the entity.
    public var id: String {
        switch self {
        case .shown(let row): row.id
        case .stopped(let entity): entity.id
        }
    }

    /// The row, or nil if the entity has stopped.
    public var row: Row? {
        guard case .shown(let row) = self else { return nil }
        return row
    }

    /// The event at which the entity has stopped, in short, or nil if it has not.
    public var obstacle: String? {
        guard case .stopped(let entity) = self else { return nil }
        return "\(entity.event.type) at position \(entity.event.position) can't be read"
    }
}

extension Listed: Codable {
    private enum Keys: String, CodingKey { case id, stopped }

    /// Reads a row, or the id of a stopped entity with the event at which it stopped.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        guard let event = try fields.decodeIfPresent(UnreadableEvent.self, forKey: .stopped) else {
            self = .shown(try Row(from: decoder))
            return
        }
        let id = try fields.decode(String.self, forKey: .id)
        self = .stopped(StoppedEntity(id: id, event: event, tags: []))
    }

    /// Writes the row; or for a stopped entity only its `id`, and as `stopped` the event.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .shown(let row): try row.encode(to: encoder)
        case .stopped(let entity):
            var fields = encoder.container(keyedBy: Keys.self)
            try fields.encode(entity.id, forKey: .id)
            try fields.encode(entity.event, forKey: .stopped)
        }
    }
}

extension Listed: Equatable where Row: Equatable {}
