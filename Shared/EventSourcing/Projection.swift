/// A pure fold of events onto a read model.
///
/// The model is a value of tables and journals. The runtime keeps it in memory, tracks its changes,
/// and writes them to disk in the transaction that moves the checkpoint.
public protocol Projection: SendableMetatype {
    /// The events that the projection reads.
    associatedtype Event: EventFamily
    /// The read model.
    associatedtype Model: Sendable

    /// The version of the model and the fold. Raise it when either changes: stores of another
    /// version are rebuilt.
    static var version: Int { get }
    /// Whether the projection skips events of unknown types in its categories. Otherwise such an
    /// event stops the entities that it may belong to.
    ///
    /// Return true only if such an event can't affect the read model.
    static var skipsUnknownEvents: Bool { get }
    /// The categories whose streams have the ids of the model's entities.
    ///
    /// An event there that can't be read stops the entity with the id of its stream.
    static var entityCategories: [String] { get }
    /// The start of the tags that name entities of the model, such as `order:`; nil for none.
    ///
    /// An event of another category that can't be read stops the entities that its tags name.
    static var entityTag: String? { get }
    /// Applies an event to the model.
    static func project(_ event: Recorded<Event>, onto model: inout Model)
}

extension Projection {
    /// False: an unknown event stops entities.
    public static var skipsUnknownEvents: Bool { false }
    /// All categories that the projection reads.
    public static var entityCategories: [String] { Event.categories }
    /// Nil: no tag names an entity.
    public static var entityTag: String? { nil }

    /// The query of the events that the projection must see.
    public static var query: EventQuery {
        skipsUnknownEvents ? Event.query : Event.queryOfCategories
    }

    /// Returns the ids of the entities that an event with this stream and tags may belong to.
    public static func entities(
        in stream: StreamName, tags: @autoclosure () -> [String]
    ) -> [String] {
        if entityCategories.contains(stream.category) { return [stream.id] }
        return entityTag == nil ? [] : tags().compactMap(entity)
    }

    /// Returns the ids of the entities that the query names by their streams or tags.
    public static func entities(of query: EventQuery) -> [String] {
        query.items.flatMap { item in
            item.streams.filter { entityCategories.contains($0.category) }.map(\.id)
                + item.tags.compactMap(entity)
        }
    }

    private static func entity(ofTag tag: String) -> String? {
        guard let entityTag, tag.hasPrefix(entityTag) else { return nil }
        return String(tag.dropFirst(entityTag.count))
    }
}

/// Rows by id, all in memory. It records which rows have changed since they were last written.
public struct Table<Row: Identifiable & Sendable>: Sendable where Row.ID: Sendable & Comparable {
    /// All rows by id.
    public private(set) var rows: [Row.ID: Row] = [:]
    private var changed: Set<Row.ID> = []

    /// Creates an empty table.
    public init() {}

    /// The row with this id, or nil. Setting nil deletes the row.
    public subscript(id: Row.ID) -> Row? {
        _read { yield rows[id] }
        _modify {
            changed.insert(id)
            yield &rows[id]
        }
    }

    /// The row with this id, or the default row, which a change inserts.
    public subscript(id: Row.ID, default row: @autoclosure () -> Row) -> Row {
        _read { yield rows[id] ?? row() }
        _modify {
            changed.insert(id)
            yield &rows[id, default: row()]
        }
    }

    /// The number of rows.
    public var count: Int { rows.count }

    /// All rows in the order of their ids.
    public var sorted: [Row] { rows.keys.sorted().compactMap { rows[$0] } }

    /// Adds rows that are on disk already, so they do not count as changes.
    public mutating func load(_ stored: some Sequence<Row>) {
        for row in stored { rows[row.id] = row }
    }

    /// Returns the changes since the last call: rows to write, and ids of deleted rows.
    public mutating func takeChanges() -> (upserts: [Row], deletes: [Row.ID]) {
        defer { changed.removeAll(keepingCapacity: true) }
        var upserts: [Row] = []
        var deletes: [Row.ID] = []
        for id in changed.sorted() {
            if let row = rows[id] { upserts.append(row) } else { deletes.append(id) }
        }
        return (upserts, deletes)
    }
}

extension Table: Codable where Row: Codable {
    /// Reads all rows. They do not count as changes.
    public init(from decoder: any Decoder) throws {
        self.init()
        load(try [Row](from: decoder))
    }

    /// Writes all rows in the order of their ids.
    public func encode(to encoder: any Encoder) throws { try sorted.encode(to: encoder) }
}

/// Rows that are only ever added. They are many, so they are read from disk and not kept in memory.
public struct Journal<Row: Sendable>: Sendable {
    private var added: [Row] = []

    /// Creates a journal without new rows.
    public init() {}

    /// Adds a row.
    public mutating func append(_ row: Row) { added.append(row) }

    /// Returns the rows added since the last call.
    public mutating func takeChanges() -> [Row] {
        defer { added = [] }
        return added
    }
}

extension Journal: Codable {
    /// Creates a journal without new rows, because the rows are on disk.
    public init(from decoder: any Decoder) throws { self.init() }

    /// Writes an empty list, because the rows are on disk.
    public func encode(to encoder: any Encoder) throws {
        _ = encoder.unkeyedContainer()
    }
}
