import EventSourcing
import Foundation
import GRDB
import Testing

@testable import ServiceRuntime

@Suite struct `Rows written to a table` {
    private struct Parcel: Codable, Equatable, FetchableRecord, TableRecord {
        static let databaseTableName = "parcel"
        struct Side: Codable, Equatable { var name: String }

        var id: String
        var weight: Int64
        var share: Double
        var isFragile: Bool
        var sides: [Side]
        var order: String?
        var sentAt: Timestamp?
    }

    private let database: DatabaseQueue

    init() throws {
        database = try DatabaseQueue()
        try database.write { db in
            try db.create(table: "parcel") { table in
                table.primaryKey("id", .text)
                table.required(.integer, "weight")
                table.required(.double, "share")
                table.required(.boolean, "isFragile")
                table.required(.jsonText, "sides")
                table.optional(.text, "order", "sentAt")
            }
        }
    }

    private static let parcels = [
        Parcel(
            id: "007", weight: .max, share: 0.5, isFragile: true,
            sides: [.init(name: "\"left\"\n"), .init(name: "ü")], order: "null",
            sentAt: Timestamp(microseconds: 1)),
        Parcel(
            id: "ü\"'", weight: .min, share: 2, isFragile: false, sides: [], order: nil,
            sentAt: nil),
    ]

    private func rows() throws -> [Parcel] {
        try database.read { try Parcel.order(Column("id")).fetchAll($0) }
    }

    @Test func `Rows are read as they were written`() throws {
        try database.write { try $0.insert(Self.parcels) }
        #expect(try rows() == Self.parcels)
        let types = try database.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT typeof(weight), typeof(share), typeof(isFragile), typeof(sides),
                    typeof("order") FROM parcel ORDER BY id
                    """)
        }
        #expect(
            types?.databaseValues.map(String.fromDatabaseValue)
                == ["integer", "real", "integer", "text", "text"])
    }

    @Test func `Row replaces the one with its key, and a missing value becomes null`() throws {
        try database.write { try $0.upsert(Self.parcels) }
        var changed = Self.parcels[0]
        (changed.order, changed.sides, changed.weight) = (nil, [], 3)
        try database.write { try $0.upsert([changed, changed]) }
        #expect(try rows() == [changed, Self.parcels[1]])
    }

    @Test func `Second row with the same key is rejected by an insert`() throws {
        #expect(throws: DatabaseError.self) {
            try database.write { try $0.insert([Self.parcels[0], Self.parcels[0]]) }
        }
        #expect(try rows() == [])
    }

    @Test func `Member without a column is named`() throws {
        try database.write { try $0.alter(table: "parcel") { $0.drop(column: "share") } }
        let error = #expect(throws: DatabaseError.self) {
            try database.write { try $0.insert(Self.parcels) }
        }
        #expect(error?.message == "table parcel has no column share")
    }

    @Test func `Table with only a key keeps its rows`() throws {
        struct Name: Codable, FetchableRecord, TableRecord {
            static let databaseTableName = "name"
            var id: String
        }
        try database.write { db in
            try db.create(table: "name") { $0.primaryKey("id", .text) }
            try db.upsert([Name(id: "a"), Name(id: "b")])
            try db.upsert([Name(id: "a")])
        }
        #expect(try database.read { try Name.fetchCount($0) } == 2)
    }
}
