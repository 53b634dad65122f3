import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import Logging
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

/// How many orders are packed on each shelf.
private struct Shelves: StoredModel {
    struct Shelf: StoredRow, Identifiable {
        static let databaseTableName = "packed"
        var id: String
        var orders: Int
    }

    var shelves = EventSourcing.Table<Shelf>()

    static let tables: [StoredTable<Self>] = [
        .init(\.shelves) { $0.required(.integer, "orders") }
    ]
}

private enum Stocktaking: Projection {
    static let version = 1

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout Shelves) {
        guard case .packed = event.event else { return }
        let id = event.stream.id
        model.shelves[id, default: Shelves.Shelf(id: id, orders: 0)].orders += 1
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Comparison of a read model with the log` {
    @Test func `Damaged row is found, unless its entity has stopped`() async throws {
        let store = try await Store()
        func append(_ data: String, to stream: String) async throws -> UInt64 {
            try await store.client.append([
                NewEvent(
                    id: .random(), stream: try StreamName(stream), type: "Packed",
                    data: Array(data.utf8))
            ]).last
        }
        let path = "\(store.folder)/projection.sqlite"
        let side = try await LiveReadModel(
            Stocktaking.self, at: path, log: store.client.welcome().log, client: store.client,
            on: store.loop, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await side.run() }
        for stream in ["shelf-s", "shelf-t"] { _ = try await append(#"{"order":"a"}"#, to: stream) }
        _ = try await append("{}", to: "shelf-s")
        let last = try await append(#"{"order":"b"}"#, to: "shelf-s")
        #expect(try await side.read(atLeast: last) { $0.stopped.count } == 1)
        #expect(try await side.differences() == [])

        let database = try DatabaseQueue(path: path)
        try await database.write { try $0.execute(sql: "UPDATE packed SET orders = 7") }
        try database.close()
        let found = try await side.differences()
        let expected = RowDifference(
            table: "packed", row: "t", field: "orders", log: "1", shown: "7")
        #expect(found == [expected])
        #expect(!FileManager.default.fileExists(atPath: path + ".comparison"))
        running.cancel()
        _ = await running.result
        try await side.close()
    }
}
