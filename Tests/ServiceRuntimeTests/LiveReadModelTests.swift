import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import Synchronization
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

/// Knows event type `Packed` only once it is healed, as if the event store had amended the events
/// then. Only one test uses it.
private enum HealingPacking: Packing {
    struct Event: EventFamily {
        static let isHealed = Mutex(false)
        static let categories = ["shelf"]
        static let types = ["Packed"]
        var order: String

        init?(type: String, data: ArraySlice<UInt8>) throws {
            order = try JSON.decode(Packed.self, from: data).order
            if order == "bad", !Self.isHealed.withLock({ $0 }) {
                throw DaybookError(.unreadable, "the order is bad")
            }
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

    @discardableResult
    private func append(
        _ type: String, _ data: String, to stream: String = "shelf-s", id: EventID = .random()
    ) async throws -> UInt64 {
        try await store.appendOwn([
            NewEvent(
                id: id, stream: try StreamName(stream), type: type, data: Array(data.utf8))
        ]).last
    }

    /// Returns the orders that the projection has at `position`, and its status.
    private func state<P: Packing>(
        of projection: P.Type, at position: UInt64,
        when isReached: (ProjectionStatus) -> Bool = { _ in true }
    ) async throws -> (orders: [String], status: ProjectionStatus) {
        let side = try await side(projection)
        let running = Task { try await side.run() }
        _ = try await side.read(atLeast: position) { $0.orders }
        while !isReached(await side.status()) { try await lookAgainSoon() }
        let orders = try await side.read { $0.orders }
        let status = await side.status()
        running.cancel()
        _ = await running.result
        try await side.close()
        return (orders, status)
    }

    @Test func `Unknown event stops its entity, until a version that knows it runs`()
        async throws
    {
        try await append("Packed", #"{"order":"a"}"#)
        let unknown = try await append("Packed.2", #"{"order":"b"}"#)
        try await append("Packed", #"{"order":"c"}"#)
        let last = try await append("Packed", #"{"order":"d"}"#, to: "shelf-t")
        let (orders, status) = try await state(of: TodaysPacking.self, at: last)
        #expect(orders == ["a", "d"] && status.checkpoint == last)
        let degraded = try #require(status.degraded)
        #expect(degraded.stoppedEntities == 1 && degraded.unreadableEvents == 1)
        #expect(degraded.first.map(\.position) == [unknown])
        #expect(degraded.first.first?.reason == "TodaysPacking does not know this type")
        // The same version has the same store after a restart, without a rebuild.
        let again = try await state(of: TodaysPacking.self, at: last).status
        #expect(again.degraded == degraded && again.rebuild == nil)
        let later = try await state(of: LaterPacking.self, at: last) {
            $0.rebuild?.state == .done
        }
        #expect(later.orders == ["a", "b", "c", "d"] && later.status.degraded == nil)
    }

    @Test func `Projection that passes over unknown events skips them`() async throws {
        try await append("Packed.2", #"{"order":"b"}"#)
        let last = try await append("Packed", #"{"order":"c"}"#)
        let (orders, status) = try await state(of: CarelessPacking.self, at: last)
        #expect(orders == ["c"] && status.degraded == nil)
    }

    @Test func `Unreadable data stops the entity, and a rebuild names the event`() async throws {
        let damaged = try await append("Packed", "{}")
        let last = try await append("Packed", #"{"order":"d"}"#, to: "shelf-t")
        let side = try await side(TodaysPacking.self)
        let running = Task { try await side.run() }
        #expect(try await side.read(atLeast: last) { $0.orders } == ["d"])
        let id = EventID.random()
        while await side.rebuild(id).rebuild?.isRunning != false { try await lookAgainSoon() }
        let status = await side.status()
        #expect(status.rebuild?.state == .done && status.degraded?.first.count == 1)
        let event = try #require(status.degraded?.first.first)
        #expect(event.position == damaged)
        #expect(
            event.reason.hasPrefix("the data of this Packed can't be read: "), "\(event.reason)")
        #expect(try await side.read { $0.orders } == ["d"])
        running.cancel()
        _ = await running.result
        try await side.close()
    }

    @Test func `Amendment of an event makes the read model rebuild itself`() async throws {
        let (bad, other) = (EventID.random(), EventID.random())
        let position = try await append("Packed", #"{"order":"bad"}"#, id: bad)
        let good = try await append("Packed", #"{"order":"good"}"#, to: "shelf-t")
        let foreign = try await append("Packed", "{}", to: "box-1", id: other)
        let side = try await side(HealingPacking.self)
        let notices = Mutex<[EventID]>([])
        await side.notifyOfAmendments { notice in
            notices.withLock { $0.append(notice.event.id) }
        }
        let running = Task { try await side.run() }
        #expect(try await side.read(atLeast: good) { $0.orders } == ["good"])
        HealingPacking.Event.isHealed.withLock { $0 = true }
        // An amendment of an event that the projection does not read, and nonsense, change nothing.
        try await amend(other, at: foreign, in: "box-1")
        try await amend(.random(), at: position)
        let nonsense = try await append(
            "EventAmended", #"{"event":"\#(bad)"}"#, to: "$amendment-\(other)")
        #expect(try await side.read(atLeast: nonsense) { $0.orders } == ["good"])
        #expect(await side.status().rebuild == nil)
        // A query that waits for the amendment gets the answer of the rebuilt model.
        let amended = try await amend(bad, at: position)
        #expect(try await side.read(atLeast: amended) { $0.orders } == ["bad", "good"])
        let status = await side.status()
        #expect(status.rebuild?.state == .done && status.degraded == nil)
        #expect(notices.withLock { $0 } == [other, bad])
        // It follows the log from there.
        let last = try await append("Packed", #"{"order":"new"}"#, to: "shelf-t")
        let orders = try await side.read(atLeast: last) { $0.orders }
        #expect(orders == ["bad", "good", "new"])
        running.cancel()
        _ = await running.result
        try await side.close()
        // A new process has the amendment already.
        #expect(try await state(of: HealingPacking.self, at: last).status.rebuild == nil)
    }

    @Test func `Amendments that one rebuild reaches together are all noticed`() async throws {
        let bad = (1...3).map { _ in EventID.random() }
        for (index, id) in bad.enumerated() {
            try await append("Packed", "{}", to: "shelf-\(index)", id: id)
        }
        let side = try await side(TodaysPacking.self)
        let notices = Mutex<[EventID]>([])
        let (first, others) = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
        await side.notifyOfAmendments { notice in
            notices.withLock { $0.append(notice.event.id) }
            guard notice.event.id == bad[0] else { return }
            first.continuation.yield()
            for await _ in others.stream { return }
        }
        let running = Task { try await side.run() }
        _ = try await side.read(atLeast: 3) { $0.orders }
        try await amend(bad[0], at: 1, in: "shelf-0")
        // The rebuild for the first amendment begins after the others, and has them, too.
        for await _ in first.stream { break }
        try await amend(bad[1], at: 2, in: "shelf-1")
        let last = try await amend(bad[2], at: 3, in: "shelf-2")
        others.continuation.yield()
        let orders = try await side.read(atLeast: last) { $0.orders }
        #expect(orders == ["bad", "bad", "bad"])
        #expect(notices.withLock { $0 } == bad)
        running.cancel()
        _ = await running.result
        try await side.close()
    }

    /// Appends what the event store appends when an event is amended, with the data that it has.
    @discardableResult
    private func amend(
        _ event: EventID, at position: UInt64, in stream: String = "shelf-s"
    ) async throws -> UInt64 {
        try await append(
            "EventAmended",
            #"{"by":"ann","event":"\#(event)","position":\#(position),"reason":"a test","#
                + #""stream":"\#(stream)","type":"Packed","data":{"order":"bad"}}"#,
            to: "$amendment-\(event)")
    }
}
