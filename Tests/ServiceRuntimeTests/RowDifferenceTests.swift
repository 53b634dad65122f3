import EventSourcing
import GRDB
import Testing

@testable import ServiceRuntime

private struct Rack: StoredRow, Identifiable, Hashable {
    static let databaseTableName = "rack"
    var id: String
    var count: Int
    var note: String?
}

private struct Line: StoredRow, Hashable {
    static let databaseTableName = "line"
    var position: UInt64
    var text: String
}

private struct Warehouse: StoredModel {
    var racks = EventSourcing.Table<Rack>()
    var lines = Journal<Line>()

    static let tables: [StoredTable<Self>] = [
        .init(\.racks) { table in
            table.required(.integer, "count")
            table.optional(.text, "note")
        },
        .init(\.lines) { table in table.required(.text, "text") },
    ]
}

@Suite struct `Row differences` {
    private static func database(_ changes: String = "") throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        try database.write { db in
            try Warehouse.createTables(db)
            try db.execute(
                sql: """
                    INSERT INTO rack VALUES ('a', 1, NULL), ('B', 2, 'two'), ('10', 3, NULL);
                    INSERT INTO line VALUES (2, 'second'), (10, 'tenth');
                    """)
            try db.execute(sql: changes)
        }
        return database
    }

    private static func differences(
        _ changes: String, but stopped: Set<String> = []
    ) throws -> [RowDifference] {
        let (log, shown) = (try database(), try database(changes))
        return try log.read { log in
            try shown.read { try RowDifference.all(of: Warehouse.self, log, $0, but: stopped) }
        }
    }

    @Test func `Equal stores have no differences`() throws {
        #expect(try Self.differences("UPDATE rack SET count = 1 WHERE id = 'a'") == [])
    }

    @Test(arguments: [
        (
            "UPDATE rack SET count = 5 WHERE id = 'a'",
            RowDifference(table: "rack", row: "a", field: "count", log: "1", shown: "5")
        ),
        (
            "UPDATE rack SET note = 'new' WHERE id = '10'",
            RowDifference(
                table: "rack", row: "10", field: "note", log: "nothing", shown: "new")
        ),
        (
            "UPDATE rack SET count = 'x' WHERE id = 'B'",
            RowDifference(table: "rack", row: "B", field: "count", log: "2", shown: "x")
        ),
        (
            "UPDATE line SET text = 'fecond' WHERE position = 2",
            RowDifference(table: "line", row: "2", field: "text", log: "second", shown: "fecond")
        ),
        (
            "DELETE FROM line WHERE position = 10",
            RowDifference(table: "line", row: "10", log: "this row")
        ),
        (
            "INSERT INTO line VALUES (3, 'third')",
            RowDifference(table: "line", row: "3", shown: "this row")
        ),
    ])
    func `Difference names the table, the row, the field and both values`(
        _ changes: String, _ difference: RowDifference
    ) throws {
        #expect(try Self.differences(changes) == [difference])
    }

    @Test func `Changed key is a missing row and another one`() throws {
        let found = try Self.differences("UPDATE rack SET id = 'aa' WHERE id = 'a'")
        #expect(found.map(\.row) == ["a", "aa"] && found.allSatisfy { $0.field == nil })
    }

    @Test func `Rows of stopped entities have no differences`() throws {
        let changes = "UPDATE rack SET count = 5; DELETE FROM line WHERE position = 10"
        let found = try Self.differences(changes, but: ["a", "10"])
        // The key of a line is a position, and not the id of an entity.
        #expect(found.map(\.table) == ["rack", "line"] && found.map(\.row) == ["B", "10"])
    }

    @Test func `Number of differences is limited`() throws {
        let rows = (100..<1000).map { "(\($0), 'x')" }.joined(separator: ",")
        let found = try Self.differences("INSERT INTO line VALUES \(rows)")
        #expect(found.count == RowDifference.limit)
    }
}
