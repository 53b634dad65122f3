import EventSourcing
import Foundation
import GRDB
import JSON
import Observability
import OrdersDomain
import Testing

@testable import ServiceRuntime

@Suite struct `Participant memory` {
    private let log = EventID("8d67c95c-5cb7-4206-9e9d-76f5d72c5844")!  // The log of the sample.

    /// The sample is the memory of orders in version 1, with its checkpoint at 10.
    @Test func `Memory of version 1 is migrated with its sagas and deadlines`() async throws {
        let sample = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Samples/version-1.sqlite").path
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        try FileManager.default.copyItem(atPath: sample, toPath: path)
        for _ in 1...2 {
            let store = try SagaStore<OrdersParticipant.State>(path: path, log: log)
            let sagas = try await store.sagas(["ended", "pending", "none"])
            let deadline = Timestamp("2026-11-25T03:00:02.481543Z")!  // A valid time.
            #expect(
                sagas.mapValues(\.state) == [
                    "ended": .ended, "pending": .pending(order: "pending", deadline: deadline),
                ])
            #expect(sagas.values.map(\.lastPosition) == [10, 10])
            #expect(try await store.deadlines().map(\.saga) == ["pending"])
            // A migrated memory may be incomplete.
            #expect(try await store.beginning() == nil)
            try store.close()
        }
        try ProjectedStore.remove(path)
    }

    @Test func `Memory of version 2 is migrated and does not count as complete`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        let deadline = Timestamp.now()
        let state = try JSON.data(
            OrdersParticipant.State.pending(order: "o", deadline: deadline))
        let id = EventID.random()
        try ProjectedStore.open(path, version: 2, log: log) { db in
            try db.execute(
                sql: """
                    CREATE TABLE saga (id TEXT PRIMARY KEY, state BLOB NOT NULL,
                        correlation TEXT NOT NULL, lastEvent TEXT NOT NULL, deadline INTEGER,
                        lastPosition INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE INDEX sagaDeadline ON saga (deadline) WHERE deadline IS NOT NULL;
                    """)
            try db.execute(
                sql: "INSERT INTO saga VALUES ('o', ?, ?, ?, ?, 7)",
                arguments: [state, id.description, id.description, deadline.microseconds])
        }?.close()
        for beginning in [nil, 9] as [UInt64?] {
            let store = try SagaStore<OrdersParticipant.State>(path: path, log: log)
            let saga = try #require(try await store.sagas(["o"])["o"])
            #expect(saga.state == .pending(order: "o", deadline: deadline))
            // A recent last time keeps the saga from being trimmed at once.
            #expect(saga.lastPosition == 7 && saga.lastTime + .seconds(60) > .now())
            #expect(try await store.deadlines().map(\.saga) == ["o"])
            #expect(try await store.beginning() == beginning)
            if beginning == nil { try await store.begin(at: 9, []) }
            try store.close()
        }
        try ProjectedStore.remove(path)
    }

    @Test func `Memory of a later version is rejected and stays unchanged`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        try ProjectedStore.open(path, version: 4, log: log) { _ in }?.close()
        #expect {
            try SagaStore<OrdersParticipant.State>(path: path, log: log)
        } throws: { DaybookError.Kind(of: $0) == .damaged }
        try #require(try ProjectedStore.open(path, version: 4, log: log) { _ in }).close()
        try ProjectedStore.remove(path)
    }
}
