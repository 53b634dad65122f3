import EventSourcing
import Testing
import WireProtocol

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(10))) struct `Participant with upcasters` {
    private func delivery(
        _ type: String, _ data: String, at store: Store
    ) async throws -> [Delivery] {
        try await store.deliveries([
            NewEvent(stream: try StreamName("order-1"), type: type, data: Array(data.utf8))
        ])
    }

    @Test func `Participant reacts to an upcast event and acknowledges a dropped one`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.runner()
        let needed = try await delivery("Needed", #"{"order":"a","shelf":"s"}"#, at: store)
        #expect(try await runner.handle(needed) == [.acknowledged])
        let dropped = try await delivery("Rumoured", "?", at: store)
        #expect(try await runner.handle(dropped) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a"])
    }

    @Test func `Participant reacts once to each event that an upcaster returns`() async throws {
        let store = try await Store()
        let packer = Packer()
        let runner = try await store.runner(packer)
        let list = try await delivery("ListWanted", #"["a","b","a"]"#, at: store)
        packer.door.close()
        #expect(try await runner.handle(list) == [.failed(error: "the door is closed", delay: nil)])
        packer.door.open()
        #expect(try await runner.handle(list) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a", "b", "a"])
        let sagas = try await store.sagas().sagas(["a", "b"])
        #expect(sagas.mapValues(\.state.events) == ["a": 2, "b": 1])
        // The list is redelivered to the same runner, and to one with an empty memory.
        #expect(try await runner.handle(list) == [.acknowledged])
        #expect(try await store.runner(memory: "other").handle(list) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a", "b", "a"])
    }
}
