/// How events become what is shown: a pure fold onto a read model.
///
/// The model is a value of tables and journals; the runtime keeps it in memory, follows what
/// changed in it, and writes that to disk in the transaction that moves the checkpoint.
public protocol Projection: SendableMetatype {
    associatedtype Event: EventFamily
    associatedtype Model: Sendable

    /// Raise it when the model or the fold changes: stores of another version are built anew.
    static var version: Int { get }
    /// Whether it goes on past events in its categories of types that nothing is known of, rather
    /// than stop there: only if none of them can concern what is shown.
    static var passesOverUnknown: Bool { get }
    static func project(_ event: Recorded<Event>, onto model: inout Model)
}

extension Projection {
    public static var passesOverUnknown: Bool { false }

    /// Asks for the events that it must see.
    public static var query: EventQuery {
        passesOverUnknown ? Event.query : Event.queryOfCategories
    }
}

/// Rows by id, all in memory, with a note of which have changed since they were last written.
public struct Table<Row: Identifiable & Sendable>: Sendable where Row.ID: Sendable & Comparable {
    public private(set) var rows: [Row.ID: Row] = [:]
    private var changed: Set<Row.ID> = []

    public init() {}

    public subscript(id: Row.ID) -> Row? {
        _read { yield rows[id] }
        _modify {
            changed.insert(id)
            yield &rows[id]
        }
    }

    public subscript(id: Row.ID, default row: @autoclosure () -> Row) -> Row {
        _read { yield rows[id] ?? row() }
        _modify {
            changed.insert(id)
            yield &rows[id, default: row()]
        }
    }

    public var count: Int { rows.count }

    /// All rows in the order of their ids.
    public var sorted: [Row] { rows.values.sorted { $0.id < $1.id } }

    /// Puts rows in that are on disk already.
    public mutating func load(_ stored: some Sequence<Row>) {
        for row in stored { rows[row.id] = row }
    }

    /// What has changed since the last call: rows to write, and ids of rows that are gone.
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
    /// All rows, as if they were on disk already.
    public init(from decoder: any Decoder) throws {
        self.init()
        load(try [Row](from: decoder))
    }

    public func encode(to encoder: any Encoder) throws { try sorted.encode(to: encoder) }
}

/// Rows that are only ever added and, being many, are read from disk, not from memory.
public struct Journal<Row: Sendable>: Sendable {
    private var added: [Row] = []

    public init() {}

    public mutating func append(_ row: Row) { added.append(row) }

    /// What was appended since the last call.
    public mutating func takeChanges() -> [Row] {
        defer { added = [] }
        return added
    }
}

extension Journal: Codable {
    /// Empty: what was appended is on disk.
    public init(from decoder: any Decoder) throws { self.init() }

    public func encode(to encoder: any Encoder) throws {
        _ = encoder.unkeyedContainer()
    }
}
