import EventSourcing
import EventStoreClient
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Call boundaries` {
    /// Calls whose argument is not JSON. The tests of messages cover them.
    private static let binary: Set = [BusCall.acknowledge]
    /// Fields that make a query wait for a future event, so that no answer arrives.
    private static let waits = ["atLeast"]

    @Test func `Every field of every call is in the table`() {
        let calls =
            Calls.ofServices.values.joined() + Calls.ofEachService + Calls.ofBus + Calls.ofStore
        for call in calls {
            guard let tree = try? JSONTree(call.argument) else {
                Issue.record("\(call.name) has no argument")
                continue
            }
            // The table has no empty arrays or dictionaries, so each field has a path.
            #expect(call.fields().subtracting(tree.paths).isEmpty, "\(call.name)")
        }
    }

    @Test func `No field value ends a process, and a rejected call changes nothing`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        let store = try await suite.eventStore()
        let bus = try await Caller(try await store.busEndpoint(), "event-store")
        try await prepare(suite, bus)
        for service in Suite.services {
            let caller = try await Caller("ipc://\(suite.home)/\(service).sock", service)
            let calls = (Calls.ofServices[service] ?? []) + Calls.ofEachService
            #expect(try await caller.names() == Set(calls.map(\.name)).union(Self.internals))
            for (index, call) in calls.enumerated() {
                // All commands and queries share the code that reads their envelope.
                let isFirst = index == 0 || calls[index - 1].isCommand != call.isCommand
                try await caller.exhaust(call, store, envelope: isFirst, waits: Self.waits)
            }
            await caller.close()
        }
        let names = try await bus.names()
        #expect(names == Set(Calls.ofBus.map(\.name)).union(Self.binary))
        for (index, call) in Calls.ofBus.enumerated() {
            let isFirst = index == 0 || Calls.ofBus[index - 1].isCommand != call.isCommand
            try await bus.exhaust(call, store, envelope: isFirst, waits: Self.waits)
        }
        try await bus.sendInvalidVerdicts()
        await bus.close()
        let direct = try await Caller("ipc://\(suite.home)/event-store.sock", "event-store")
        #expect(Set(StoreCall.all) == Set(Calls.ofStore.map(\.name)))
        // The event that the amendments in the table are about.
        _ = try await store.append([
            NewEvent(
                id: EventID(high: 1, low: 1), stream: StreamName("boundary-2"), type: "T",
                data: [])
        ])
        for call in Calls.ofStore { try await direct.exhaust(call, store, envelope: true) }
        await direct.close()
        try await expectAnswers(of: store)
        for name in Suite.services + ["event-store"] {
            #expect(suite.isRunning(name), "\(name): \(suite.log(of: name).suffix(2000))")
        }
        await store.close()
    }

    /// Sends reads and append conditions, which are binary, with extreme values of every field.
    private func expectAnswers(of store: EventStoreClient) async throws {
        let head = try await store.welcome().head
        let words: [UInt64] = [
            0, 1, head, head + 1, 1 << 53, UInt64(Int64.max), 1 << 63, .max - 1, .max,
        ]
        let times: [Timestamp] = [
            .distantPast, .earliest, Timestamp(microseconds: 0), .latest, .distantFuture,
        ]
        for direction in [ReadRequest.Direction.forwards, .backwards] {
            var requests: [ReadRequest] = []
            for word in words {
                requests.append(ReadRequest(direction: direction, from: word))
                requests.append(ReadRequest(direction: direction, to: word))
                requests.append(ReadRequest(direction: direction, from: word, to: .max))
                requests.append(ReadRequest(direction: direction, limit: word))
                requests.append(
                    ReadRequest(direction: direction, chunkBytes: UInt32(clamping: word)))
                requests.append(
                    ReadRequest(direction: direction, credit: max(1, UInt32(clamping: word))))
            }
            for time in times {
                requests.append(ReadRequest(direction: direction, since: time))
                requests.append(ReadRequest(direction: direction, before: time))
            }
            for request in requests {
                for try await event in store.read(request).events {
                    #expect(event.position >= 1 && event.position <= head, "\(request)")
                }
            }
        }
        // A bound beyond the last possible position means no bound.
        var positions: [UInt64] = []
        for try await event in store.read(ReadRequest(from: 1, to: .max)).events {
            positions.append(event.position)
        }
        #expect(positions == Array(1...head))
        try await expectConditions(of: store, words)
    }

    private func expectConditions(of store: EventStoreClient, _ words: [UInt64]) async throws {
        let stream = try StreamName("boundary-1")
        for word in words {
            let event = NewEvent(stream: stream, type: "T", data: [])
            // No event matches after a future position, so the append succeeds.
            let head = try await store.welcome().head
            let behind = AppendCondition(noneMatching: .init(.all, after: word))
            do {
                _ = try await store.append([event], behind)
                #expect(word >= head, "after \(word)")
            } catch let error as ProtocolError {
                #expect(error.code == .conditionFailed && word < head, "after \(word): \(error)")
            }
            let revision = AppendCondition.stream(try StreamName("none-1"), .revision(word))
            await #expect(throws: ProtocolError.self, "revision \(word)") {
                try await store.append(
                    [NewEvent(stream: stream, type: "T", data: [])], revision)
            }
        }
    }

    /// Calls between the services themselves.
    private static let internals: Set = ["rehearse"]

    /// The entities that the calls of the table name.
    private func prepare(_ suite: Suite, _ bus: Caller) async throws {
        for arguments in [
            ["balance", "open", "c"], ["credit", "c", "100.00"],
            ["creditLimit", "set", "c", "100.00"],
            ["event-store", "queues", "create", "q"],
        ] {
            let run = try suite.run(arguments)
            #expect(run.status == 0, "\(arguments): \(run.errors)")
        }
    }
}
