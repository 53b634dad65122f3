import Foundation
import Synchronization
import TestSupport
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `A socket over TCP` {
    private let loop = SocketLoop(name: "test")
    private let store = try! CurveKeyPair.generate()  // It is a random number: nothing can fail.
    private let ann = try! CurveKeyPair.generate()  // As above.

    /// Who is let in, by key; and whom a handshake has been refused.
    private final class Door: Doorkeeper {
        let known: CurvePublicKey?
        let names = Mutex<[CurvePublicKey: String]>([:])
        let refused = Mutex<[CurvePublicKey]>([])
        let lost = Mutex<Set<String>>([])
        let notes = Mutex<[(sender: String?, text: String)]>([])

        init(knowing key: CurvePublicKey? = nil, letting ann: CurvePublicKey? = nil) {
            known = key
            if let ann { names.withLock { $0[ann] = "ann" } }
        }

        func key(of name: String) -> CurvePublicKey? { name == "store" ? known : nil }

        func admit(_ handshake: Handshake) -> Admission {
            if let name = names.withLock({ $0[handshake.key] }) { return .admitted(as: name) }
            refused.withLock { $0.append(handshake.key) }
            return .refused
        }

        func mayStay(_ sender: String, at door: String) -> Bool {
            names.withLock { $0.values.contains(sender) }
        }

        func takeLost() -> Set<String> {
            lost.withLock { lost in
                defer { lost = [] }
                return lost
            }
        }

        func note(_ text: String, of sender: String?) {
            notes.withLock { $0.append((sender, text)) }
        }

        func hasNoted(_ text: String, of sender: String?) -> Bool {
            notes.withLock { $0.contains { $0 == sender && $1.contains(text) } }
        }
    }

    private func context(
        _ identity: CurveKeyPair, _ door: Door = Door(),
        limits: ConnectionLimits = ConnectionLimits()
    ) throws -> Context {
        try Context(security: Security(identity: identity, doorkeeper: door, limits: limits))
    }

    private func client(
        _ identity: CurveKeyPair, of server: Endpoint, knowing key: CurvePublicKey
    ) async throws -> Endpoint {
        try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: context(identity, Door(knowing: key)),
            peer: "store")
    }

    @Test func `knows who it speaks with`() async throws {
        let door = Door(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        #expect(try await client.send([[1], [2]]))
        #expect(try await server.request()?.sender == "ann")
    }

    @Test func `lets nobody in whose key is not known`() async throws {
        let door = Door(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door))
        let stranger = try CurveKeyPair.generate()
        let strange = try await client(stranger, of: server, knowing: store.publicKey)
        #expect(try await strange.send([[9]]))
        // One without keys, too.
        let plain = try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: Context(), peer: "store")
        #expect(try await plain.send([[9]]))
        let known = try await client(ann, of: server, knowing: store.publicKey)
        while door.refused.withLock({ $0.isEmpty }) { try await lookAgainSoon() }
        #expect(try await known.send([[1]]))
        #expect(try await server.request()?.sender == "ann")
        #expect(door.refused.withLock { Set($0) } == [stranger.publicKey])
    }

    @Test func `parts from whom it is told to, who may come again`() async throws {
        let door = Door(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        #expect(try await server.request()?.frames.last == [1])
        // Not let in again, even if it has a connection.
        door.names.withLock { $0[ann.publicKey] = nil }
        door.lost.withLock { $0 = ["ann"] }
        while door.refused.withLock({ $0.isEmpty }) { try await lookAgainSoon() }
        _ = try await client.send([[2]])
        door.names.withLock { $0[ann.publicKey] = "ann" }
        let again = try await self.client(ann, of: server, knowing: store.publicKey)
        #expect(try await again.send([[3]]))
        #expect(try await server.request()?.frames.last == [3])
    }

    @Test func `has so many connections with one, and so many that say nothing`() async throws {
        let door = Door(letting: ann.publicKey)
        var limits = ConnectionLimits()
        (limits.ofSender, limits.silent) = (5, 8)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door, limits: limits))
        var clients: [Endpoint] = []
        for id in 0..<6 {
            clients.append(try await client(ann, of: server, knowing: store.publicKey))
            _ = try await clients[id].send([[UInt8(id)]])
            if id < 5 { #expect(try await server.request()?.frames.last == [UInt8(id)]) }
        }
        // What the sixth says is not heard; what another says meanwhile is.
        while !door.hasNoted("too many", of: "ann") {
            _ = try await clients[0].send([[0]])
            #expect(try await server.request()?.frames.last == [0])
        }
        // Silent ones give way, and one that speaks is heard.
        clients = []
        let crowd = try context(ann, Door(knowing: store.publicKey))
        for _ in 0..<12 {
            clients.append(
                try await Endpoint(
                    .dealer, connect: server.endpoint, on: loop, in: crowd, peer: "store"))
        }
        while !door.hasNoted("oldest silent", of: nil) { try await lookAgainSoon() }
        // Again and again: those that gave way come again, and it may have to give way to them.
        let speaker = try await client(ann, of: server, knowing: store.publicKey)
        var heard: [UInt8]?
        while heard != [7] {
            _ = try await speaker.send([[7]])
            heard = try await server.request(within: .milliseconds(100))?.frames.last
        }
    }

    @Test func `does not go on for ever with one that sends what has no end`() async throws {
        let bob = try CurveKeyPair.generate()
        let door = Door(letting: ann.publicKey)
        door.names.withLock { $0[bob.publicKey] = "bob" }
        var limits = ConnectionLimits()
        limits.unheardBytes = 1 << 20
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door, limits: limits))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        #expect(try await server.request()?.frames.last == [1])
        // Long enough that it is looked at before its end, now or the next time.
        let message = [[UInt8]](repeating: [UInt8](repeating: 0, count: 1 << 20), count: 48)
        let flood = Task {
            while !door.hasNoted("unprocessed bytes", of: "ann") {
                _ = try await client.send(message)
                _ = try await client.waitUntilWritable()
            }
        }
        let other = try await self.client(bob, of: server, knowing: store.publicKey)
        while !door.hasNoted("unprocessed bytes", of: "ann") {
            _ = try await other.send([[2]])
            while let request = try await server.request(), request.sender != "bob" {}
        }
        try await flood.value
    }

    @Test func `sends nothing to who is not the one it means`() async throws {
        let door = Door(letting: ann.publicKey)
        let impostor = try CurveKeyPair.generate()
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(impostor, door))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        while !door.hasNoted("a handshake failed", of: nil) { try await lookAgainSoon() }
        #expect(try await server.receive(within: .zero) == nil)
    }

    @Test(arguments: ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*"])
    func `does not listen to the network without keys`(_ endpoint: String) async throws {
        await #expect(throws: ZeroMQError.self) {
            try await Endpoint(.router, bind: endpoint, on: loop, in: Context())
        }
        let open = try await Endpoint(.router, bind: "tcp://0.0.0.0:*", on: loop, in: context(ann))
        #expect(try await open.endpoint.hasPrefix("tcp://0.0.0.0:"))
    }

    @Test func `does not speak to the network without keys, or to one whose key is not known`()
        async throws
    {
        await #expect(throws: ZeroMQError.self) {
            try await Endpoint(
                .dealer, connect: "tcp://192.0.2.1:7700", on: loop, in: Context(), peer: "store")
        }
        await #expect(throws: ZeroMQError.self) {
            try await Endpoint(
                .dealer, connect: "tcp://127.0.0.1:7700", on: loop, in: context(ann), peer: "x")
        }
    }
}

@Suite struct `A key` {
    @Test func `is found again by its secret`() throws {
        let pair = try CurveKeyPair.generate()
        #expect(CurveKeyPair(secret: pair.secret)?.publicKey == pair.publicKey)
        #expect(CurvePublicKey(pair.publicKey.description) == pair.publicKey)
    }

    /// The pair of the libzmq manual, zmq_curve(7).
    @Test func `is that of the manual`() {
        let pair = CurveKeyPair(secret: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
        #expect(pair?.publicKey.description == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
    }

    @Test(arguments: [
        "", "x", String(repeating: "\"", count: 40), String(repeating: "a", count: 41),
    ])
    func `is none of another shape`(_ text: String) {
        #expect(CurveKeyPair(secret: text) == nil && CurvePublicKey(text) == nil)
    }
}
