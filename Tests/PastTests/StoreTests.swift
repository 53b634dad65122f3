import EventSourcing
import Foundation
import GRDB
import IntegrationHarness
import TestSupport
import Testing

/// Stores that are built from the log alone.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `A store that is built from the log` {
    @Test func `equals the one that serves, row for row`() async throws {
        let suite = try await History.suite(orders: 120)
        for service in Suite.services {
            let live = "\(suite.home)/\(service)/projection.sqlite"
            let file = "\(suite.home)/\(service).new"
            try suite.succeed(service, "rebuild", "--into", file)
            try suite.succeed(service, "rebuild")
            #expect(suite.terminate(service) == 0)
            let (built, rebuilt) = (try rows(of: file), try rows(of: live))
            #expect(built == rebuilt && built.allSatisfy { !$0.value.isEmpty }, "\(service)")
            // The one that came about event by event.
            try FileManager.default.removeItem(atPath: "\(suite.home)/\(service)")
            try suite.start(service)
            try await suite.caughtUp(service)
            #expect(suite.terminate(service) == 0)
            #expect(try rows(of: live) == built, "\(service)")
            try suite.start(service)
        }
    }

    @Test func `goes on where a kill has stopped it`() async throws {
        let suite = try await History.suite(orders: 60)
        let file = "\(suite.home)/orders.new"
        let head = try await suite.status(of: "orders").head
        // As a kill leaves it: up to some position, not put in its place.
        try suite.succeed("orders", "rebuild", "--into", file, "--until", "\(head / 2)")
        let half = try rows(of: file)
        try FileManager.default.moveItem(atPath: file, toPath: file + ".part")
        try mark(file + ".part")
        try suite.succeed("orders", "rebuild", "--into", file)
        #expect(try isMarked(file) && !FileManager.default.fileExists(atPath: file + ".part"))
        try unmark(file)
        #expect(try rows(of: file) != half)
        #expect(try rows(of: file) == rows(of: "\(suite.home)/orders/projection.sqlite"))
        // What has come too far is no beginning.
        try FileManager.default.moveItem(atPath: file, toPath: file + ".part")
        try suite.succeed("orders", "rebuild", "--into", file, "--until", "\(head / 2)")
        #expect(try rows(of: file) == half)

        // So in the service: what its predecessor was at is gone on with, unasked.
        let store = "\(suite.home)/orders/projection.sqlite"
        suite.kill("orders")
        try FileManager.default.copyItem(atPath: file, toPath: store + ".rebuild")
        try mark(store + ".rebuild")
        try suite.start("orders")
        var status = try await suite.status(of: "orders").projection
        while status?.rebuild?.isRunning ?? true {
            status = try await suite.status(of: "orders").projection
        }
        #expect(status?.rebuild?.state == .done)
        #expect(suite.terminate("orders") == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(suite.home)/orders")
        #expect(!left.contains { $0.hasPrefix("projection.sqlite.") }, "\(left)")
        #expect(try isMarked(store))
        try unmark(store)
        try suite.start("orders")
        try await suite.caughtUp("orders")
        try suite.succeed("orders", "rebuild", "--into", file + "2")
        #expect(suite.terminate("orders") == 0)
        #expect(try rows(of: store) == rows(of: file + "2"))
        // What is no store is no beginning either.
        try Data("no database, but long enough to be looked at as one".utf8)
            .write(to: URL(filePath: store + ".rebuild"))
        try suite.start("orders")
        try suite.succeed("orders", "rebuild")
        #expect(suite.terminate("orders") == 0)
        #expect(try rows(of: store) == rows(of: file + "2"))
    }

    @Test func `is begun at a start that finds one of another version`() async throws {
        let suite = try await History.suite(orders: 30)
        let store = "\(suite.home)/orders/projection.sqlite"
        #expect(suite.terminate("orders") == 0)
        let old = try rows(of: store)
        try change(store, "UPDATE daybook SET version = version + 1; DELETE FROM customer")
        try suite.start("orders")
        try await suite.caughtUp("orders")
        #expect(suite.terminate("orders") == 0)
        #expect(try rows(of: store) == old)
        // Of its own version it is gone on with.
        try mark(store)
        try suite.start("orders")
        try await suite.caughtUp("orders")
        #expect(suite.terminate("orders") == 0)
        #expect(try isMarked(store))
    }

    /// A trace that shows whether a store was gone on with.
    private func mark(_ path: String) throws {
        try change(path, "CREATE TABLE mark (x)")
    }

    private func unmark(_ path: String) throws { try change(path, "DROP TABLE mark") }

    private func isMarked(_ path: String) throws -> Bool {
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        return try database.read { try $0.tableExists("mark") }
    }

    private func change(_ path: String, _ sql: String) throws {
        let database = try DatabaseQueue(path: path)
        try database.write { try $0.execute(sql: sql) }
        try database.close()
    }

    /// All rows of all tables, but for how far in the log they go.
    private func rows(of path: String) throws -> [String: [Row]] {
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        return try database.read { db in
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'daybook'"
            )
            return try tables.reduce(into: [:]) { rows, table in
                rows[table] = try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\" ORDER BY 1")
            }
        }
    }
}
