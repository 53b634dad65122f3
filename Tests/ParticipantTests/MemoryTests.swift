import EventSourcing
import Foundation
import OrdersDomain
import Testing

@testable import ServiceKit

@Suite struct `A participant's memory` {
    private let log = EventID("8d67c95c-5cb7-4206-9e9d-76f5d72c5844")!  // The sample's.

    /// The store of orders as version 1 left it, with its checkpoint at 10.
    @Test func `of version 1 is taken over, with all that it had seen`() async throws {
        let sample = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Samples/version-1.sqlite").path
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        try FileManager.default.copyItem(atPath: sample, toPath: path)
        for _ in 1...2 {
            let store = try SagaStore<OrdersParticipant.State>(path: path, log: log)
            let sagas = try await store.sagas(["ended", "pending", "none"])
            let deadline = Timestamp("2026-11-25T03:00:02.481543Z")!  // A time.
            #expect(
                sagas.mapValues(\.state) == [
                    "ended": .ended, "pending": .pending(order: "pending", deadline: deadline),
                ])
            #expect(sagas.values.map(\.lastPosition) == [10, 10])
            #expect(try await store.deadlines().map(\.id) == ["pending"])
            try store.close()
        }
        try ProjectedStore.remove(path)
    }

    @Test func `of a later version is left alone`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        try ProjectedStore.open(path, version: 3, log: log) { _ in }?.close()
        #expect(throws: ProjectedStore.Unusable.self) {
            try SagaStore<OrdersParticipant.State>(path: path, log: log)
        }
        try #require(try ProjectedStore.open(path, version: 3, log: log) { _ in }).close()
        try ProjectedStore.remove(path)
    }
}
