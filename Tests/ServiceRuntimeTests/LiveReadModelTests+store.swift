import EventSourcing
import EventStoreClient
import GRDB
import Logging
import Testing
import WireProtocol

@testable import ServiceRuntime

/// Counts the orders of each shelf.
private enum ShelfCount: Projection {
    struct Shelf: Codable, FetchableRecord, Identifiable, Sendable, TableRecord {
        static let databaseTableName = "shelf"
        var id: String
        var count: Int
    }

    struct Model: StoredModel {
        var shelves = EventSourcing.Table<Shelf>()

        static let tables: [StoredTable<Self>] = [
            .init(\.shelves) { $0.required(.integer, "count") }
        ]
    }

    static let version = 1

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout Model) {
        guard case .packed = event.event else { return }
        model.shelves["s"] = Shelf(id: "s", count: (model.shelves["s"]?.count ?? 0) + 1)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Store of a live read model` {
    private let store: Store

    init() async throws { store = try await Store() }

    private func side() async throws -> LiveReadModel<ShelfCount> {
        try await LiveReadModel(
            ShelfCount.self, at: "\(store.folder)/projection.sqlite",
            log: store.client.welcome().log, client: store.client, on: store.loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test(arguments: 1...10)
    func `Store has everything that the model has, however early the model is stopped`(
        rounds: Int
    ) async throws {
        let side = try await side()
        let running = Task { try await side.run() }
        var last: UInt64 = 0
        for _ in 1...rounds {
            last = try await store.appendOwn(
                try (1...7).map { _ in
                    NewEvent(
                        id: .random(), stream: try StreamName("shelf-s"), type: "Packed",
                        data: Array(#"{"order":"a"}"#.utf8))
                }
            ).last
        }
        #expect(try await side.read(atLeast: last) { $0.shelves["s"]?.count } == 7 * rounds)
        running.cancel()
        _ = await running.result
        try await side.close()
        let next = try await self.side()
        #expect(await next.status().checkpoint == last)
        #expect(try await next.read { $0.shelves["s"]?.count } == 7 * rounds)
        try await next.close()
    }

    @Test func `Query from disk sees what a query from memory has seen`() async throws {
        let side = try await side()
        let running = Task { try await side.run() }
        for count in 1...50 {
            let last = try await store.appendOwn([
                NewEvent(
                    id: .random(), stream: try StreamName("shelf-s"), type: "Packed",
                    data: Array(#"{"order":"a"}"#.utf8))
            ]).last
            _ = try await side.read(atLeast: last) { $0.shelves.count }
            let stored = try await side.readStore {
                try Int.fetchOne($0, sql: "SELECT count FROM shelf")
            }
            #expect(stored == count)
        }
        running.cancel()
        _ = await running.result
        try await side.close()
    }
}
