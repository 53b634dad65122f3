import CallServer
import TestSupport
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Turns at long work` {
    private actor Notes {
        private(set) var names: [String] = []
        var count: Int { names.count }
        func note(_ name: String) { names.append(name) }
    }

    private let turns = FairTurns(on: SocketLoop(name: "test"))
    private let notes = Notes()
    private let gate = AsyncStream<Void>.makeStream()

    /// Begins the work of a client, which ends once the gate is open.
    private func begin(_ name: String, of client: String) -> Task<Void, any Error> {
        CallerLane.$current.withValue(.key(client)) {
            Task(executorPreference: turns.loop) {
                try await turns.run { [notes, gate] in
                    await notes.note(name)
                    for await _ in gate.stream { return }
                }
            }
        }
    }

    @Test func `One client works at a time, and the others take turns`() async throws {
        let first = begin("a1", of: "ann")
        while await notes.count == 0 { try await lookAgainSoon() }
        // All wait in this order before the first one ends.
        var later: [Task<Void, any Error>] = []
        for (name, client) in [("a2", "ann"), ("a3", "ann"), ("b1", "bob"), ("b2", "bob")] {
            later.append(begin(name, of: client))
            await Task(executorPreference: turns.loop) {}.value
        }
        #expect(await notes.names == ["a1"])
        gate.continuation.finish()
        for task in [first] + later { try await task.value }
        let order = await notes.names
        #expect(order.count == 5 && order.firstIndex(of: "b1")! < order.firstIndex(of: "a3")!)
    }

    @Test func `Cancelled work does not begin, and the next one has its turn`() async throws {
        let first = begin("a1", of: "ann")
        while await notes.count == 0 { try await lookAgainSoon() }
        let (cancelled, last) = (begin("b1", of: "bob"), begin("c1", of: "cid"))
        cancelled.cancel()
        gate.continuation.finish()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        try await first.value
        try await last.value
        #expect(await notes.names == ["a1", "c1"])
    }
}
