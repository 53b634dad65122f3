import GRDB
import JSON

extension Database {
    /// Writes the rows with one prepared statement. A row replaces the one with the same primary
    /// key.
    ///
    /// GRDB's `upsert` composes its SQL for each row, which takes longer than the write itself.
    func upsert<Row: Encodable & TableRecord>(_ rows: [Row]) throws {
        let columns = try sortedColumns(of: Row.self)
        let key = try primaryKey(Row.databaseTableName).columns
        let changes = columns.filter { !key.contains($0) }
            .map { "\($0.quoted) = excluded.\($0.quoted)" }
        let change = changes.isEmpty ? "NOTHING" : "UPDATE SET " + changes.joined(separator: ", ")
        let keyList = key.map(\.quoted).joined(separator: ", ")
        try write(rows, columns, onConflict: " ON CONFLICT (\(keyList)) DO \(change)")
    }

    /// Writes the rows with one prepared statement.
    ///
    /// - Throws: `DatabaseError` if there is a row with the same primary key.
    func insert<Row: Encodable & TableRecord>(_ rows: [Row]) throws {
        try write(rows, try sortedColumns(of: Row.self), onConflict: "")
    }

    /// The columns in the order of their names, which is the order of a row's members in JSON.
    private func sortedColumns(of row: (some TableRecord).Type) throws -> [String] {
        try columns(in: row.databaseTableName).map(\.name).sorted()
    }

    private func write<Row: Encodable & TableRecord>(
        _ rows: [Row], _ columns: [String], onConflict: String
    ) throws {
        let names = columns.map(\.quoted).joined(separator: ", ")
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        let statement = try cachedStatement(
            sql: "INSERT INTO \(Row.databaseTableName.quoted) (\(names)) VALUES (\(marks))"
                + onConflict)
        for row in rows {
            try statement.execute(arguments: StatementArguments(try values(of: row, columns)))
        }
    }

    /// Returns the row's values: lists and objects as JSON, and null for members that it lacks.
    private func values<Row: Encodable & TableRecord>(
        of row: Row, _ columns: [String]
    ) throws -> [DatabaseValue] {
        let members = try JSONScanner.members(of: JSON.encode(row)[...])
        var next = members.startIndex
        let values = columns.map { column in
            guard next < members.endIndex, members[next].name == column else {
                return DatabaseValue.null
            }
            defer { next += 1 }
            return DatabaseValue(json: members[next].value)
        }
        guard next == members.endIndex else {
            throw DatabaseError(
                message: "table \(Row.databaseTableName) has no column \(members[next].name)")
        }
        return values
    }
}

extension String {
    /// The name as it stands in SQL.
    fileprivate var quoted: String { "\"\(self)\"" }
}

extension DatabaseValue {
    /// Creates the value of a column from JSON.
    fileprivate init(json: ArraySlice<UInt8>) {
        let text = JSONScanner.text(of: json) ?? String(decoding: json, as: UTF8.self)
        // JSON has no byte 0.
        switch json.first ?? 0 {
        case UInt8(ascii: "n"): self = .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = (text == "true").databaseValue
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            self = Int64(text)?.databaseValue ?? Double(text).databaseValue
        default: self = text.databaseValue
        }
    }
}
