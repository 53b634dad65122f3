import EventSourcing
import Foundation
import GRDB
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Stores built from the log` {
    @Test func `Store built from the log equals the one that serves, row for row`() async throws {
        let suite = try await History.suite(orders: 120)
        for service in Suite.services {
            let live = "\(suite.home)/\(service)/projection.sqlite"
            let file = "\(suite.home)/\(service).new"
            try suite.succeed(service, "rebuild", "--into", file)
            try suite.succeed(service, "rebuild")
            #expect(suite.terminate(service) == 0)
            let (built, rebuilt) = (try rows(of: file), try rows(of: live))
            #expect(built == rebuilt && built.allSatisfy { !$0.value.isEmpty }, "\(service)")
            // The live store, built event by event.
            try FileManager.default.removeItem(atPath: "\(suite.home)/\(service)")
            try suite.start(service)
            try await suite.caughtUp(service)
            #expect(suite.terminate(service) == 0)
            #expect(try rows(of: live) == built, "\(service)")
            try suite.start(service)
        }
    }

    @Test func `Rebuild resumes where a killed process stopped`() async throws {
        let suite = try await History.suite(orders: 60)
        let file = "\(suite.home)/orders.new"
        let head = try await suite.status(of: "orders").head
        // As a killed rebuild leaves it: up to some position, under its temporary name.
        try suite.succeed("orders", "rebuild", "--into", file, "--until", "\(head / 2)")
        let half = try rows(of: file)
        try FileManager.default.moveItem(atPath: file, toPath: file + ".part")
        try mark(file + ".part")
        try suite.succeed("orders", "rebuild", "--into", file)
        #expect(try isMarked(file) && !FileManager.default.fileExists(atPath: file + ".part"))
        try unmark(file)
        #expect(try rows(of: file) != half)
        #expect(try rows(of: file) == rows(of: "\(suite.home)/orders/projection.sqlite"))
        // A rebuild does not resume a store that is beyond its target position.
        try FileManager.default.moveItem(atPath: file, toPath: file + ".part")
        try suite.succeed("orders", "rebuild", "--into", file, "--until", "\(head / 2)")
        #expect(try rows(of: file) == half)

        // A service resumes the unfinished rebuild of its predecessor without a command.
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
        // A rebuild does not resume a file that is not a store, either.
        try Data("no database, but long enough to be looked at as one".utf8)
            .write(to: URL(filePath: store + ".rebuild"))
        try suite.start("orders")
        try suite.succeed("orders", "rebuild")
        #expect(suite.terminate("orders") == 0)
        #expect(try rows(of: store) == rows(of: file + "2"))
    }

    @Test func `Service replaces a store of another version when it starts`() async throws {
        let suite = try await History.suite(orders: 30)
        let store = "\(suite.home)/orders/projection.sqlite"
        #expect(suite.terminate("orders") == 0)
        let old = try rows(of: store)
        try change(store, "UPDATE daybook SET version = version + 1; DELETE FROM customer")
        try suite.start("orders")
        try await suite.caughtUp("orders")
        #expect(suite.terminate("orders") == 0)
        #expect(try rows(of: store) == old)
        // The service keeps a store of its own version.
        try mark(store)
        try suite.start("orders")
        try await suite.caughtUp("orders")
        #expect(suite.terminate("orders") == 0)
        #expect(try isMarked(store))
    }

    /// Adds a table that shows whether a store was resumed or replaced.
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

    /// All rows of the service's own tables.
    private func rows(of path: String) throws -> [String: [Row]] {
        let database = try DatabaseQueue(path: path)
        defer { try? database.close() }
        return try database.read { db in
            let tables = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_master
                    WHERE type = 'table' AND name NOT LIKE 'daybook%'
                    """)
            return try tables.reduce(into: [:]) { rows, table in
                rows[table] = try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\" ORDER BY 1")
            }
        }
    }
}
