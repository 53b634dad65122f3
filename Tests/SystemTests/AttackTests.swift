import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Testing
import WireProtocol
import ZeroMQ

/// An open connection in a class, because an array can't hold the noncopyable connection itself.
private final class OpenConnection {
    let connection: RawConnection
    init(_ connection: consuming RawConnection) { self.connection = connection }
}

extension `Keys over TCP` {
    /// Runs `attack` with one key against a store. Another key must then append and read as usual.
    private func withAttack(
        on socket: String = "event-store",
        _ attack: (Suite, Stranger) async throws -> Void
    ) async throws {
        let suite = try Suite()
        try suite.useTCP()
        for name in ["mallory", "worker"] { try suite.makeKey(name, ["--append", "*"]) }
        try suite.start("event-store")
        let worker = try await suite.eventStore(in: suite.context(of: "worker"))
        let bulk = [UInt8](repeating: 0x20, count: 200_000)
        for id in 0..<40 {
            _ = try await worker.append([
                NewEvent(stream: try StreamName("bulk-\(id)"), type: "T", data: bulk)
            ])
        }
        let loop = SocketLoop(name: "attack")
        let mallory = try await Stranger(
            .dealer, to: suite.endpoint(of: socket), on: loop, in: suite.context(of: "mallory"))
        try await attack(suite, mallory)
        for id in 0..<50 {
            _ = try await worker.append([
                NewEvent(stream: try StreamName("work-\(id)"), type: "T", data: [])
            ])
            var count = 0
            try await worker.read(ReadRequest(.categories(["work"]))) { count += $0.count }
            #expect(count == id + 1)
        }
        let bus = try await suite.client(of: "bus", timeout: .seconds(120))
        _ = try await bus.query(BusCall.queues, Nothing(), as: [QueueView].self)
        #expect(suite.isRunning("event-store"))
        await bus.close()
        await worker.close()
    }

    private static func header(_ kind: MessageKind, _ id: UInt64) -> [UInt8] {
        MessageHeader(kind, requestID: id).bytes
    }

    @Test func `Client that never reads does not affect other clients`() async throws {
        try await withAttack { _, mallory in
            // Each read asks for 8 MB. The client never receives any of it.
            for id in 1...60 {
                let request = ReadRequest(.all, credit: .max)
                try await mallory.send([
                    Self.header(.read, UInt64(id)), try request.encoded(),
                ])
            }
            // It also causes many answers that it does not read.
            for id in 100..<5000 {
                _ = try await mallory.trySend([
                    Self.header(.call, UInt64(id)), Array("statistics".utf8), [],
                ])
            }
        }
    }

    @Test func `Client that floods the store or the bus with calls does not affect other clients`()
        async throws
    {
        try await withAttack(on: "bus") { _, mallory in
            // Each call may wait for a second, and these are more calls than a key may have in
            // flight.
            for id in 1...3000 {
                let request = #"{"query":{}}"#
                try await mallory.send([
                    Self.header(.call, UInt64(id)), Array(BusCall.queues.utf8),
                    Array(request.utf8),
                ])
            }
        }
        try await withAttack { _, mallory in
            for id in 1...3000 {
                try await mallory.send([
                    Self.header(.call, UInt64(id)), Array(StoreCall.chain.utf8), [],
                ])
            }
        }
    }

    @Test func `Key has at most 256 open reads over all its connections`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("mallory", [])
        try suite.start("event-store")
        let context = try suite.context(of: "mallory")
        let loop = SocketLoop(name: "attack")
        var refused: [ProtocolError] = []
        // Reads end with their connection.
        var open: [Stranger] = []
        for _ in 0..<5 {
            let mallory = try await Stranger(
                .dealer, to: suite.endpoint(of: "event-store"), on: loop, in: context)
            open.append(mallory)
            for id in 1...60 {
                let request = ReadRequest(.all, credit: 0)
                try await mallory.send([Self.header(.read, UInt64(id)), try request.encoded()])
            }
            try await mallory.send([
                Self.header(.call, 99), Array(StoreCall.statistics.utf8), [],
            ])
            while let message = try await mallory.receive() {
                let (first, body) = (message[0], message[1])
                guard try MessageHeader(first.span).kind == .error else { break }
                refused.append(ProtocolError(body.span))
            }
        }
        #expect(open.count == 5 && refused.count == 5 * 60 - 256)
        #expect(refused.allSatisfy { $0.code == .overloaded })
    }

    @Test func `Oversized messages and incomplete handshakes do not affect other clients`()
        async throws
    {
        var open: [OpenConnection] = []
        try await withAttack { suite, mallory in
            // A message that is too long ends the connection. The server ignores the rest of it.
            let tooLong = [UInt8](repeating: 0, count: 17 << 20)
            try await mallory.send([Self.header(.append, 1), [], tooLong])
            for name in ["event-store", "feed", "bus"] {
                let endpoint = suite.endpoint(of: name)
                for mechanism in ["NULL", "PLAIN", "CURVE"] {
                    let greeting = RawConnection.greeting(mechanism: mechanism)
                    for count in [0, 10, 63, 64] {
                        try RawConnection(to: endpoint).send(Array(greeting.prefix(count)))
                    }
                    // A command as long as a HELLO, and one that ends too early.
                    for command in [200, 5] {
                        let connection = try RawConnection(to: endpoint)
                        connection.send(greeting)
                        var received: [UInt8] = []
                        _ = connection.receive(&received) { $0.count >= 64 }
                        connection.send([4, 200] + [UInt8](repeating: 7, count: command))
                        open.append(OpenConnection(connection))
                    }
                }
            }
        }
        #expect(open.count == 18)
    }

    @Test func `Client that keeps opening connections does not affect other clients`() async throws
    {
        try await withAttack { suite, _ in
            let context = try suite.context(of: "mallory")
            let loop = SocketLoop(name: "crowd")
            for id in 1...10 {
                // Only a few at a time, because they use file descriptors of this process, too.
                var crowd: [Stranger] = []
                for _ in 0..<20 {
                    crowd.append(
                        try await Stranger(
                            .dealer, to: suite.endpoint(of: "event-store"), on: loop, in: context))
                }
                try await crowd[0].send([Self.header(.hello, UInt64(id)), []])
                #expect(try await crowd[0].receive() != nil)
            }
        }
    }
}
