import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import Logging
import TestSupport
import Testing
import WireProtocol

@testable import ServiceKit

@Suite(.timeLimit(.minutes(10))) struct `A participant that gets an event of an earlier version` {
    private func delivery(
        _ type: String, _ data: String, at store: Store
    ) async throws -> [Delivery] {
        try await store.deliveries([
            NewEvent(stream: try StreamName("order-1"), type: type, data: Array(data.utf8))
        ])
    }

    @Test func `reacts to what it is today`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        let needed = try await delivery("Needed", #"{"order":"a","shelf":"s"}"#, at: store)
        #expect(try await runner.handle(needed) == [.done])
        let dropped = try await delivery("Rumoured", "?", at: store)
        #expect(try await runner.handle(dropped) == [.done])
        #expect(try await store.orders("Packed") == ["a"])
    }

    @Test func `reacts to each of several that it has become, once`() async throws {
        let store = try await Store()
        let packer = Packer()
        let runner = try await store.runner(packer)
        let list = try await delivery("ListWanted", #"["a","b","a"]"#, at: store)
        packer.door.close()
        #expect(try await runner.handle(list) == [.failed(error: "the door is closed", delay: nil)])
        packer.door.open()
        #expect(try await runner.handle(list) == [.done])
        #expect(try await store.orders("Packed") == ["a", "b", "a"])
        let sagas = try await store.sagas().sagas(["a", "b"])
        #expect(sagas.mapValues(\.state.events) == ["a": 2, "b": 1])
        // Delivered again, to it and to one that has forgotten.
        #expect(try await runner.handle(list) == [.done])
        #expect(try await store.runner(memory: "other").handle(list) == [.done])
        #expect(try await store.orders("Packed") == ["a", "b", "a"])
    }
}

/// Which orders were packed.
private protocol Packing: Projection where Model == PackedOrders {}

private struct PackedOrders: StoredModel {
    var orders: [String] = []

    static func createTables(_ db: Database) {}
    mutating func load(_ db: Database) {}
    mutating func takeWrites() -> [ProjectedStore.Write] { [] }
}

private enum TodaysPacking: Packing {
    static let version = 1

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout PackedOrders) {
        if case .packed(let packed) = event.event { model.orders.append(packed.order) }
    }
}

private enum CarelessPacking: Packing {
    static let version = 1
    static let passesOverUnknown = true

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout PackedOrders) {
        TodaysPacking.project(event, onto: &model)
    }
}

/// Knows the next version, too.
private enum LaterPacking: Packing {
    struct Event: EventFamily {
        static let categories = ["shelf"]
        static let types = ["Packed", "Packed.2", "Missed"]
        var order: String

        init?(type: String, data: ArraySlice<UInt8>) throws {
            order = try JSON.decode(Packed.self, from: data).order
        }
    }

    static let version = 1

    static func project(_ event: Recorded<Event>, onto model: inout PackedOrders) {
        model.orders.append(event.event.order)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `A projection that meets an unknown event` {
    private let store: Store

    init() async throws { store = try await Store() }

    private func side<P: Packing>(_ projection: P.Type) async throws -> ReadSide<P> {
        try await ReadSide(
            projection, at: "\(store.folder)/projection.sqlite",
            log: store.client.welcome().log, client: store.client, on: store.loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func append(_ type: String, _ data: String) async throws -> UInt64 {
        try await store.client.append([
            NewEvent(stream: try StreamName("shelf-s"), type: type, data: Array(data.utf8))
        ]).last
    }

    /// What the projection shows when it has come to `position`.
    private func orders<P: Packing>(
        of projection: P.Type, at position: UInt64
    ) async throws -> [String] {
        let side = try await side(projection)
        let running = Task { try await side.run() }
        let orders = try await side.read(atLeast: position) { $0.orders }
        running.cancel()
        _ = await running.result
        try await side.close()
        return orders
    }

    /// Why the projection stops.
    private func reason<P: Packing>(_ projection: P.Type) async throws -> String {
        let side = try await side(projection)
        let running = Task { try await side.run() }
        while await side.status().stopped == nil { try await lookAgainSoon() }
        let status = await side.status()
        // Whoever asks is told, be it for what it showed before or for what is to come.
        for position: UInt64 in [0, 1, 1 << 40] {
            let error = await #expect(throws: ProjectionStopped.self) {
                try await side.read(atLeast: position) { $0.orders }
            }
            #expect(error?.description == status.stopped)
        }
        running.cancel()
        _ = await running.result
        try await side.close()
        return status.stopped ?? ""
    }

    @Test func `stops, says why, and goes on when a later version knows it`() async throws {
        let first = try await append("Packed", #"{"order":"a"}"#)
        #expect(try await orders(of: TodaysPacking.self, at: first) == ["a"])
        let unknown = try await append("Packed.2", #"{"order":"b"}"#)
        let last = try await append("Packed", #"{"order":"c"}"#)
        let expected =
            "the projection has stopped at position \(unknown): TodaysPacking does not know event "
            + "type Packed.2 at position \(unknown) of stream shelf-s; a later version may "
            + "know it"
        #expect(try await reason(TodaysPacking.self) == expected)
        #expect(try await reason(TodaysPacking.self) == expected)
        #expect(try await orders(of: LaterPacking.self, at: last) == ["b", "c"])
    }

    @Test func `goes on past it only if it says so`() async throws {
        _ = try await append("Packed.2", #"{"order":"b"}"#)
        let last = try await append("Packed", #"{"order":"c"}"#)
        #expect(try await orders(of: CarelessPacking.self, at: last) == ["c"])
    }

    @Test func `stops at data that it can't read, too`() async throws {
        let damaged = try await append("Packed", "{}")
        let reason = try await reason(TodaysPacking.self)
        #expect(
            reason.hasPrefix(
                "the projection has stopped at position \(damaged): the data of this Packed "
                    + "can't be read"), "\(reason)")
    }
}
