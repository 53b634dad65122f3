import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(10))) struct `Unhandled events` {
    private let orders: Set<StreamName>

    init() throws { orders = [try StreamName(category: "order", id: "1")] }

    @Test func `Event is unhandled until the effect of its reaction is in the log`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        #expect(try await runner.unhandled(in: orders).events == [])
        // The second event leads to no command.
        let deliveries = try await store.deliveries(
            Wanted(order: "a"), Met(order: "a"), Wanted(order: "b"))
        let (waiting, last) = try await runner.unhandled(in: orders)
        #expect(last == 3)
        #expect(waiting.map(\.position) == [1, 3])
        #expect(waiting.allSatisfy { $0.type == "Wanted" && $0.service == "packing" })
        #expect(Set(waiting.map(\.stream)) == orders)
        _ = try await runner.handle(Array(deliveries.prefix(2)))
        #expect(try await runner.unhandled(in: orders).events.map(\.position) == [3])
        _ = try await runner.handle(Array(deliveries.suffix(1)))
        #expect(try await runner.unhandled(in: orders).events == [])
        // The effects are in the log, so a participant that has lost its memory finds them, too.
        #expect(try await store.runner(memory: "other").unhandled(in: orders).events == [])
    }

    @Test func `Event whose reaction fails or is rejected is unhandled`() async throws {
        let store = try await Store()
        let packer = Packer()
        let runner = try await store.runner(packer)
        let deliveries = try await store.deliveries(Wanted(order: "a"), Wanted(order: "cursed"))
        _ = try await runner.handle(deliveries)
        #expect(try await runner.unhandled(in: orders).events.map(\.position) == [2])
        // The effect of the first one shows that an earlier reaction has succeeded.
        packer.door.close()
        #expect(try await runner.unhandled(in: orders).events.map(\.position) == [2])
    }

    @Test(arguments: [(AppendCondition.History.undelivered, 0), (.delivered, 1)])
    func `Imported event is unhandled only if rules deliver it`(
        _ history: AppendCondition.History, _ count: Int
    ) async throws {
        let store = try await Store()
        let runner = try await store.runner()
        var past = try NewEvent(Wanted(order: "a"))
        past.originalTime = Timestamp(microseconds: 7)
        _ = try await store.client.append([past], AppendCondition(history: history))
        let (events, last) = try await runner.unhandled(in: orders)
        #expect(events.count == count && last == 1)
    }

    @Test func `Only events of the given streams are looked for`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        _ = try await store.deliveries(Wanted(order: "a"))
        let others = Set(try (0..<250).map { try StreamName(category: "order", id: "x\($0)") })
        #expect(try await runner.unhandled(in: others).events == [])
        #expect(try await runner.unhandled(in: []).events == [])
        #expect(try await runner.unhandled(in: others.union(orders)).events.count == 1)
    }
}
