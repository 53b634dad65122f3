import Foundation
import Synchronization
import TestSupport
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Unsent bytes` {
    private let limits = UnsentBytes.Limits(always: 1000, ofConnection: 10_000, ofCaller: 15_000)

    /// A ROUTER that counts what it sends to its only client.
    private actor Sender: LoopActor {
        let loop: SocketLoop
        private let socket: Socket
        private let unsent: UnsentBytes

        init(_ endpoint: String, _ unsent: UnsentBytes, on loop: SocketLoop, in context: Context)
            async throws
        {
            self.loop = loop
            self.unsent = unsent
            socket = try Socket(.router, on: loop, in: context)
            try socket.bind(endpoint)
        }

        /// Returns the name of the client after its first message.
        func client() async throws -> PeerName {
            while true {
                if let request = try socket.receiveRequest() { return request.peer }
                _ = try await socket.readable()
            }
        }

        func send(_ bytes: Int, to client: PeerName) throws -> Bool {
            try socket.send(to: client, [[UInt8](repeating: 7, count: bytes)], countedBy: unsent)
        }

        /// Handles what libzmq reports to the socket, such as the end of a connection.
        func poll() async throws { _ = try await socket.readable(until: .now) }
    }

    @Test func `Frame counts until its peer has taken it or has left`() async throws {
        let loop = SocketLoop(name: "test")
        let endpoint = "ipc://\(NSTemporaryDirectory())\(UUID().uuidString.prefix(8)).sock"
        let total = UnsentBytes.Total()
        let freed = Atomic<Int>(0)
        let unsent = UnsentBytes(in: total) { freed.add(1, ordering: .relaxed) }
        let sender = try await Sender(endpoint, unsent, on: loop, in: Context())
        var options = Socket.Options()
        options.receiveHighWaterMark = 1
        var client: Endpoint? = try await Endpoint(
            .dealer, connect: endpoint, on: loop, in: Context(), options: options)
        #expect(try await client?.send([[1]]) == true)
        let name = try await sender.client()
        // More than the system and the client keep.
        for _ in 1...30 { #expect(try await sender.send(1 << 20, to: name)) }
        #expect(unsent.bytes > 10 << 20 && total.bytes == unsent.bytes)
        unsent.awaitRoom()
        let before = unsent.bytes
        for _ in 1...10 { #expect(try await client?.receive()?.last?.count == 1 << 20) }
        while freed.load(ordering: .relaxed) == 0 { try await lookAgainSoon() }
        #expect(unsent.bytes < before)
        client = nil
        while unsent.bytes > 0 {
            try await sender.poll()
            try await lookAgainSoon()
        }
        #expect(total.bytes == 0 && freed.load(ordering: .relaxed) == 1)
    }

    @Test func `Room depends on the connection and on its caller`() throws {
        let total = UnsentBytes.Total()
        let (first, second) = (UnsentBytes(in: total), UnsentBytes(in: total))
        #expect(first.room(within: limits) == 10_000)
        let frame = Frame([UInt8](repeating: 0, count: 9000 - 256).span, countedBy: first)
        #expect(first.room(within: limits) == 1000 && second.room(within: limits) == 6000)
        let other = Frame([UInt8](repeating: 0, count: 6500 - 256).span, countedBy: second)
        #expect(second.room(within: limits) == 0 && second.isCallerFull(within: limits))
        // Even then, others of the caller have something.
        #expect(UnsentBytes(in: total).room(within: limits) == 1000)
        _ = consume frame
        _ = consume other
        #expect(total.bytes == 0)
    }
}
