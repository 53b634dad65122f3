import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Testing
import WireProtocol
import ZeroMQ

/// One that is in a list, and so stays open.
private final class OpenConnection {
    let connection: RawConnection
    init(_ connection: consuming RawConnection) { self.connection = connection }
}

extension `A key over TCP` {
    /// The store with a key that attacks it and one that works; `attack` goes on as long as the
    /// other works, which must not notice.
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

    @Test func `harms only itself by never reading`() async throws {
        try await withAttack { _, mallory in
            // Each asks for 8 MB; nothing of it is ever received.
            for id in 1...60 {
                let request = ReadRequest(.all, credit: .max)
                try await mallory.send([
                    Self.header(.read, UInt64(id)), try request.encoded(),
                ])
            }
            // And it has many answers come.
            for id in 100..<5000 {
                _ = try await mallory.trySend([
                    Self.header(.call, UInt64(id)), Array("statistics".utf8), [],
                ])
            }
        }
    }

    @Test func `harms only itself by flooding`() async throws {
        try await withAttack(on: "bus") { _, mallory in
            // Each of these waits for a second, and more than may wait are sent.
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

    @Test func `has so many reads and no more`() async throws {
        let suite = try Suite()
        try suite.useTCP()
        try suite.makeKey("mallory", [])
        try suite.start("event-store")
        let context = try suite.context(of: "mallory")
        let loop = SocketLoop(name: "attack")
        var refused: [ProtocolError] = []
        for _ in 0..<5 {
            let mallory = try await Stranger(
                .dealer, to: suite.endpoint(of: "event-store"), on: loop, in: context)
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
        #expect(refused.count == 5 * 60 - 256 && refused.allSatisfy { $0.code == .overloaded })
    }

    @Test func `harms only itself by half messages and half handshakes`() async throws {
        var open: [OpenConnection] = []
        try await withAttack { suite, mallory in
            // Too long a message ends the connection; the rest of what it sends is not taken.
            let tooLong = [UInt8](repeating: 0, count: 9 << 20)
            try await mallory.send([Self.header(.append, 1), [], tooLong])
            for name in ["event-store", "feed", "bus"] {
                let endpoint = suite.endpoint(of: name)
                for mechanism in ["NULL", "PLAIN", "CURVE"] {
                    let greeting = RawConnection.greeting(mechanism: mechanism)
                    for count in [0, 10, 63, 64] {
                        try RawConnection(to: endpoint).send(Array(greeting.prefix(count)))
                    }
                    // What would be a HELLO, and half of one.
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

    @Test func `harms only itself by connecting without end`() async throws {
        try await withAttack { suite, _ in
            let context = try suite.context(of: "mallory")
            let loop = SocketLoop(name: "crowd")
            for id in 1...10 {
                // Few at a time: they are descriptors of this process, too.
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
