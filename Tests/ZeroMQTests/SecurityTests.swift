import Foundation
import Synchronization
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(1))) struct `A socket over TCP` {
    private let loop = SocketLoop(name: "test")
    private let store = try! CurveKeyPair.generate()  // It is a random number: nothing can fail.
    private let ann = try! CurveKeyPair.generate()  // As above.

    /// Who is let in, by key; and whom a handshake has been refused.
    private final class Door: Sendable {
        let names = Mutex<[CurvePublicKey: String]>([:])
        let refused = Mutex<[CurvePublicKey]>([])

        func admit(_ key: CurvePublicKey) -> String? {
            if let name = names.withLock({ $0[key] }) { return name }
            refused.withLock { $0.append(key) }
            return nil
        }
    }

    private func context(
        _ identity: CurveKeyPair, _ door: Door = Door(), knowing key: CurvePublicKey? = nil
    ) throws -> Context {
        try Context(
            security: Security(
                identity: identity, key: { $0 == "store" ? key : nil },
                admit: { door.admit($0.key).map { .admitted(as: $0) } ?? .refused }))
    }

    private func client(
        _ identity: CurveKeyPair, of server: Endpoint, knowing key: CurvePublicKey
    ) async throws -> Endpoint {
        try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: context(identity, knowing: key),
            peer: "store")
    }

    @Test func `knows who it speaks with`() async throws {
        let door = Door()
        door.names.withLock { $0[ann.publicKey] = "ann" }
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, door))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        #expect(try await client.send([[1], [2]]))
        #expect(try await server.sender() == "ann")
    }

    @Test func `lets nobody in whose key is not known`() async throws {
        let door = Door()
        door.names.withLock { $0[ann.publicKey] = "ann" }
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
        while door.refused.withLock({ $0.isEmpty }) { await Task.yield() }
        #expect(try await known.send([[1]]))
        #expect(try await server.sender() == "ann")
        #expect(door.refused.withLock { Set($0) } == [stranger.publicKey])
    }

    @Test func `sends nothing to who is not the one it means`() async throws {
        let door = Door()
        door.names.withLock { $0[ann.publicKey] = "ann" }
        let impostor = try CurveKeyPair.generate()
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(impostor, door))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        #expect(try await server.receive(within: .milliseconds(300)) == nil)
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
