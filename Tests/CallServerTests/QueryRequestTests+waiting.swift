import CallServer
import EventSourcing
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Waiting for a position` {
    private let loop = SocketLoop(name: "test")

    /// Waits until it is cancelled.
    @Sendable private static func never(_ position: UInt64) async throws -> String {
        while true { try await lookAgainSoon() }
    }

    @Test func `Query without a position is answered at once`() async throws {
        let request = QueryRequest(query: "x")
        #expect(try await request.waiting(on: loop) { "\($0)" } == "0")
    }

    @Test func `Query whose position is reached is answered`() async throws {
        let request = QueryRequest(atLeast: 7, timeout: 60, query: "x")
        #expect(try await request.waiting(on: loop) { "\($0)" } == "7")
    }

    @Test func `Query ends with its caller's timeout if its position is not reached`()
        async throws
    {
        let request = QueryRequest(atLeast: 9_000_000_000, timeout: 0.01, query: "x")
        let error = await #expect(throws: ProtocolError.self) {
            try await request.waiting(on: loop, Self.never)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("position 9000000000 was not reached") == true)
    }

    @Test func `Query without a timeout ends when its task is cancelled`() async throws {
        let waiting = Task {
            try await QueryRequest(atLeast: 1, query: "x").waiting(on: loop, Self.never)
        }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test(arguments: [0, -1]) func `Timeout that is not above 0 is invalid`(timeout: Double)
        async throws
    {
        let request = QueryRequest(atLeast: 1, timeout: timeout, query: "x")
        let error = await #expect(throws: ProtocolError.self) {
            try await request.waiting(on: loop, Self.never)
        }
        #expect(error?.code == .invalid)
    }
}
