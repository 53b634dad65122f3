import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Observability
import Testing
import WireProtocol

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(10))) struct `Participant runner` {
    @Test func `Runner executes the commands of all events, in order for one aggregate`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.runner()
        let orders = (1...20).map { "o\($0)" }
        var deliveries: [Delivery] = []
        for order in orders { deliveries += try await store.deliveries(Wanted(order: order)) }
        #expect(try await runner.handle(deliveries) == deliveries.map { _ in .acknowledged })
        #expect(try await store.orders("Packed") == orders)
        #expect(await runner.status.handled == 20)
    }

    @Test func `Redelivery after a crash repeats the reaction without a second effect`()
        async throws
    {
        let store = try await Store()
        let deliveries = try await store.deliveries(Wanted(order: "a"), Wanted(order: "b"))
        #expect(try await store.runner().handle(deliveries) == [.acknowledged, .acknowledged])
        // The first runner crashed after it committed its memory, before it acknowledged.
        let next = try await store.runner()
        #expect(try await next.handle(deliveries) == [.acknowledged, .acknowledged])
        // This memory is empty, as after a crash between the append and its commit.
        let other = try await store.runner(memory: "other")
        #expect(try await other.handle(deliveries) == [.acknowledged, .acknowledged])
        #expect(try await store.orders("Packed").sorted() == ["a", "b"])
        for memory in ["memory", "other"] {
            let sagas = try await store.sagas(memory).sagas(["a", "b"])
            #expect(sagas.mapValues(\.state.events) == ["a": 1, "b": 1])
            #expect(sagas["b"]?.lastPosition == deliveries[1].event.position)
        }
    }

    @Test func `Participant reacts again to a seen event that is redelivered or replayed`()
        async throws
    {
        let store = try await Store()
        let packer = Packer()
        let runner = try await store.runner(packer)
        var deliveries = try await store.deliveries(Wanted(order: "a"), Met(order: "a"))
        #expect(try await runner.handle(deliveries) == [.acknowledged, .acknowledged])
        packer.door.close()
        #expect(try await runner.handle(deliveries) == deliveries.map { _ in closed })
        for index in deliveries.indices { deliveries[index].replay = "again" }
        #expect(try await runner.handle(deliveries) == deliveries.map { _ in closed })
        packer.door.open()
        #expect(try await runner.handle(deliveries) == [.acknowledged, .acknowledged])
        #expect(try await store.orders("Packed") == ["a"])
        packer.door.close()
        var new = try await store.deliveries(Wanted(order: "b"))
        new[0].replay = "again"
        #expect(try await runner.handle(new) == [closed])
        packer.door.open()
        #expect(try await runner.handle(new) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a", "b"])
    }

    @Test func `Participant acts on a replay of an event that was lost before later ones`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.runner()
        var deliveries = try await store.deliveries(Wanted(order: "a"), Met(order: "a"))
        #expect(try await runner.handle([deliveries[1]]) == [.acknowledged])
        #expect(try await store.orders("Packed") == [])
        deliveries[0].replay = "mend"
        #expect(try await runner.handle([deliveries[0]]) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a"])
    }

    @Test func `Failed delivery reports a one-line reason and does not stop the others`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.runner()
        var deliveries = try await store.deliveries(Wanted(order: "a"), Wanted(order: "cursed"))
        deliveries += try await store.deliveries([
            NewEvent(stream: try StreamName("order-1"), type: "Wanted", data: Array("{}".utf8)),
            NewEvent(stream: try StreamName("order-1"), type: "Unheard", data: Array("{}".utf8)),
        ])
        deliveries += try await store.deliveries(Wanted(order: "b"))
        let verdicts = try await runner.handle(deliveries)
        #expect(verdicts[0] == .acknowledged && verdicts[4] == .acknowledged)
        #expect(verdicts[1] == .failed(error: "a cursed order is not packed", delay: nil))
        // A retry of an event that can't be read would not help.
        let reasons = verdicts[2...3].map { verdict in
            if case .unreadable(let error) = verdict { error } else { "" }
        }
        #expect(reasons[0].contains("Wanted") && reasons[0].contains("order"), "\(reasons)")
        #expect(reasons[1].contains("(Unheard at position"), "\(reasons)")
        #expect(reasons[1].contains("Packer does not know this type"), "\(reasons)")
        #expect(try await store.orders("Packed").sorted() == ["a", "b"])
        let sagas = try await store.sagas().sagas(["a", "cursed", "b"])
        #expect(sagas.keys.sorted() == ["a", "b"])
        let status = await runner.status
        #expect(status.handled == 2)
        #expect(status.lastFailure?.hasPrefix("Unheard at position") == true)
    }

    @Test func `Failed saga continues when it is retried, and records the attempt`() async throws {
        let store = try await Store()
        let packer = Packer()
        let runner = try await store.runner(packer)
        var deliveries = try await store.deliveries(Wanted(order: "a"))
        packer.door.close()
        #expect(try await runner.handle(deliveries) == [closed])
        packer.door.open()
        deliveries[0].receiveCount = 2
        #expect(try await runner.handle(deliveries) == [.acknowledged])
        #expect(try await store.orders("Packed") == ["a"])
        #expect(try await store.metadata("Packed") == [.init(actor: "packer", attempt: 2)])
        _ = try await runner.handle(try await store.deliveries(Wanted(order: "b")))
        #expect(try await store.metadata("Packed").last == .init(actor: "packer"))
        #expect(try await store.sagas().sagas(["a"])["a"]?.state.events == 1)
    }

    @Test func `Participant reads the sagas of an amended event again`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        let wanted = try await store.deliveries(Wanted(order: "a"), Wanted(order: "b"))
        _ = try await runner.handle(wanted)
        _ = try await runner.handle(try await store.deliveries(Met(order: "a")))
        // An event that the participant has not handled is not part of the saga.
        _ = try await store.deliveries(Met(order: "a"))
        // Wrong states stand for those that were folded before the amendment.
        let sagas = try await store.sagas()
        for (id, saga) in try await sagas.sagas(["a", "b"]) {
            var wrong = saga
            wrong.state.events = 99
            try await sagas.commit([(id, wrong, nil)])
        }
        let before = try await sagas.sagas(["a"])["a"]
        await runner.note(AmendmentNotice(position: 50, event: wanted[0].event))
        #expect(try await runner.handle([]) == [])
        let after = try await sagas.sagas(["a", "b"])
        #expect(after.mapValues(\.state.events) == ["a": 2, "b": 99])
        #expect(after["a"]?.lastPosition == before?.lastPosition)
        #expect(try await store.sagas().amendmentCheckpoint == 50)
    }

    @Test func `Deadline expires only when all events before it are handled`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        let wanted = try await store.deliveries(
            Wanted(order: "met", deadline: 5_000), Wanted(order: "missed", deadline: 6_000),
            at: 1_000)
        // The queue lags: the clock is long past both deadlines.
        _ = try await runner.handle(wanted)
        let met = try await store.deliveries(Met(order: "met"), at: 4_000)
        let other = try await store.deliveries(Wanted(order: "other"), at: 5_500)
        _ = try await runner.handle(met + other)
        #expect(try await store.orders("Missed") == [])
        _ = try await runner.handle(
            try await store.deliveries(Wanted(order: "another"), at: 6_000))
        #expect(try await store.orders("Missed") == ["missed"])
    }

    @Test func `Reactions and missed deadlines continue the trace of the event that caused them`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.runner()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let wanted = Wanted(order: "a", deadline: 5_000)
        _ = try await runner.handle(
            try await store.deliveries([
                NewEvent(
                    stream: StreamName("parcel-1"), type: Wanted.type, tags: wanted.tags,
                    metadata: EventMetadata(actor: "ann", traceparent: trace).encoded(),
                    data: JSON.encode(wanted))
            ]))
        _ = try await runner.handle([])
        let noted = EventMetadata(actor: "packer", traceparent: trace)
        #expect(try await store.metadata("Packed") == [noted])
        #expect(try await store.metadata("Missed") == [noted])
    }

    @Test func `Deadline expires by the clock when the queue is empty`() async throws {
        let store = try await Store()
        let runner = try await store.runner()
        let tomorrow = (Timestamp.now() + .seconds(86_400)).microseconds
        _ = try await runner.handle(
            try await store.deliveries(
                Wanted(order: "past", deadline: 5_000), Wanted(order: "to come", deadline: tomorrow)
            ))
        #expect(try await store.orders("Missed") == [])
        #expect(try await runner.handle([]) == [])
        #expect(try await store.orders("Missed") == ["past"])
        // The command is repeated, without an effect, until the saga gets its event.
        let next = try await store.runner()
        _ = try await next.handle([])
        #expect(try await store.orders("Missed") == ["past"])
    }

    private var closed: Acknowledgement.Verdict { .failed(error: "the door is closed", delay: nil) }
}
