import CallServer
import EventSourcing
import EventStoreClient
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

/// Other tests of the server are in `SystemTests/GarbageTests`.
@Suite(.timeLimit(.minutes(10))) struct `Server of calls` {
    private actor Client: LoopActor {
        nonisolated let loop = SocketLoop(name: "client")
        private let socket: Socket

        init(of endpoint: String, in context: Context) async throws {
            socket = try Socket(.dealer, on: loop, in: context)
            try socket.connect(endpoint, to: "s")
        }

        func call(_ name: String, count: Int) throws {
            for id in 1...count {
                let header = MessageHeader(.call, requestID: UInt64(id))
                #expect(try socket.send([header.bytes, Array(name.utf8), []]))
            }
        }

        /// Returns the errors that the server answers.
        func errors(count: Int) async throws -> [ProtocolError] {
            var errors: [ProtocolError] = []
            while errors.count < count {
                _ = try await socket.readable()
                while let answer = try socket.receiveMessage() {
                    let body = answer[1]
                    errors.append(ProtocolError(body.span))
                }
            }
            return errors
        }
    }

    @Test func `Server that stops answers the calls in progress, and those that wait`() async throws
    {
        let context = try Context()
        let server = try await CallServer(
            service: "s", log: .random(), endpoint: "inproc://calls",
            on: SocketLoop(name: "server"), in: context,
            logger: Logger(label: "s") { _ in SwiftLogNoOpLogHandler() })
        let isBusy = Mutex(false)
        let mayGoOn = Mutex(false)
        await server.handle("wait", endsWithCaller: true) { _, _ in
            isBusy.withLock { $0 = true }
            // The server takes no other call meanwhile.
            while !mayGoOn.withLock(\.self) {}
            // Until the server stops.
            try await Task.sleep(for: .seconds(3600))
            return Data()
        }
        let client = try await Client(of: "inproc://calls", in: context)
        try await client.call("wait", count: 100)
        let serving = Task { try await server.run() }
        while !isBusy.withLock(\.self) { try await lookAgainSoon() }
        serving.cancel()
        mayGoOn.withLock { $0 = true }
        let errors = try await client.errors(count: 100)
        #expect(errors.count == 100 && errors.allSatisfy { $0.code == .unavailable })
        _ = await serving.result
    }
}
