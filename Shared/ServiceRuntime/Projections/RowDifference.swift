import GRDB

/// The query for the differences between a service's store and the log.
package struct ComparisonRequest: Codable, Sendable {
    /// The name of the call.
    package static let name = "compare"

    package init() {}
}

/// A difference between the row of a read model and what the log leads to.
package struct RowDifference: Codable, Hashable, Sendable {
    /// The largest number of differences in an answer.
    static var limit: Int { 100 }

    /// The name of the table.
    package var table: String
    /// The primary key of the row.
    package var row: String
    /// The name of the column, or nil if only one of the stores has the row.
    package var field: String?
    /// The value that the log leads to, or nil for none.
    package var log: String?
    /// The value in the store, or nil for none.
    package var shown: String?

    /// Returns the differences between two databases of a model, up to the limit. Every column of
    /// every row is compared.
    ///
    /// - Parameter stopped: the ids of stopped entities. Their rows are out of date and not shown.
    static func all<Model: StoredModel>(
        of model: Model.Type, _ log: Database, _ shown: Database, but stopped: Set<String> = []
    ) throws -> [RowDifference] {
        var found: [RowDifference] = []
        for table in Model.tables where found.count < limit {
            try compare(table.name, log, shown, but: stopped, &found)
        }
        return Array(found.prefix(limit))
    }

    /// Walks through the rows of both tables in the order of their keys.
    private static func compare(
        _ table: String, _ log: Database, _ shown: Database, but stopped: Set<String>,
        _ found: inout [RowDifference]
    ) throws {
        // The primary key is the first column of every table.
        let sql = "SELECT * FROM \(table.quotedDatabaseIdentifier) ORDER BY 1"
        let (logRows, shownRows) = (
            try Row.fetchCursor(log, sql: sql), try Row.fetchCursor(shown, sql: sql)
        )
        var (expected, actual) = (try logRows.next(), try shownRows.next())
        while found.count < limit, let key = [expected, actual].compactMap({ $0 }).map(key).min() {
            let rows = (
                expected.flatMap { Self.key($0) == key ? $0 : nil },
                actual.flatMap { Self.key($0) == key ? $0 : nil }
            )
            if key.number == nil, stopped.contains(key.text) {
                // Its entity has stopped.
            } else if let log = rows.0, let shown = rows.1 {
                found += fields(table, key, log, shown)
            } else {
                found.append(
                    RowDifference(
                        table: table, row: key.text, log: rows.0.map { _ in "this row" },
                        shown: rows.1.map { _ in "this row" }))
            }
            if rows.0 != nil { expected = try logRows.next() }
            if rows.1 != nil { actual = try shownRows.next() }
        }
    }

    private static func fields(
        _ table: String, _ key: Key, _ log: Row, _ shown: Row
    ) -> [RowDifference] {
        log.columnNames.compactMap { name in
            let values = (log[name] as DatabaseValue?, shown[name] as DatabaseValue?)
            guard values.0 != values.1 else { return nil }
            return RowDifference(
                table: table, row: key.text, field: name, log: values.0.map(text),
                shown: values.1.map(text))
        }
    }

    private static func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "nothing"
        case .int64(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): text
        case .blob(let data): "\(data.count) bytes"
        }
    }

    /// A primary key, in SQLite's order: numbers before texts, and texts by their bytes.
    private struct Key: Comparable {
        let number: Int64?
        let text: String

        static func < (a: Key, b: Key) -> Bool {
            switch (a.number, b.number) {
            case (let a?, let b?): a < b
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
            }
        }
    }

    private static func key(_ row: Row) -> Key {
        let value = row.databaseValues.first ?? .null
        return Key(number: Int64.fromDatabaseValue(value), text: text(value))
    }
}
