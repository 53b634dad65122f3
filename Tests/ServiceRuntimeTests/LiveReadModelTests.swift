import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

/// A projection of the packed orders.
private protocol Packing: Projection where Model == PackedOrders {}

private struct PackedOrders: StoredModel {
    var orders: [String] = []

    static let tables: [StoredTable<Self>] = []
}

private enum TodaysPacking: Packing {
    static let version = 1

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout PackedOrders) {
        if case .packed(let packed) = event.event { model.orders.append(packed.order) }
    }
}

private enum CarelessPacking: Packing {
    static let version = 1
    static let skipsUnknownEvents = true

    static func project(_ event: Recorded<ShelfEvent>, onto model: inout PackedOrders) {
        TodaysPacking.project(event, onto: &model)
    }
}

/// A later version, which also knows event type `Packed.2`.
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

@Suite(.timeLimit(.minutes(10))) struct `Projections and unreadable events` {
    private let store: Store

    init() async throws { store = try await Store() }

    private func side<P: Packing>(_ projection: P.Type) async throws -> LiveReadModel<P> {
        try await LiveReadModel(
            projection, at: "\(store.folder)/projection.sqlite",
            log: store.client.welcome().log, client: store.client, on: store.loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func append(_ type: String, _ data: String) async throws -> UInt64 {
        try await store.client.append([
            NewEvent(stream: try StreamName("shelf-s"), type: type, data: Array(data.utf8))
        ]).last
    }

    /// Returns the orders that the projection has at `position`.
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

    /// Waits until the projection stops, and returns the reason.
    private func reason<P: Packing>(_ projection: P.Type) async throws -> String {
        let side = try await side(projection)
        let running = Task { try await side.run() }
        while await side.status().stopped == nil { try await lookAgainSoon() }
        let status = await side.status()
        // Every read throws the reason, for positions before the stop and after it.
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

    @Test func `Projection stops at an unknown event and resumes in a version that knows it`()
        async throws
    {
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

    @Test func `Projection that passes over unknown events skips them`() async throws {
        _ = try await append("Packed.2", #"{"order":"b"}"#)
        let last = try await append("Packed", #"{"order":"c"}"#)
        #expect(try await orders(of: CarelessPacking.self, at: last) == ["c"])
    }

    @Test func `Projection stops at event data that it can't read`() async throws {
        let damaged = try await append("Packed", "{}")
        let reason = try await reason(TodaysPacking.self)
        #expect(
            reason.hasPrefix(
                "the projection has stopped at position \(damaged): the data of this Packed "
                    + "can't be read"), "\(reason)")
    }
}
