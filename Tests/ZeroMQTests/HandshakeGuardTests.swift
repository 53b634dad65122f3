import Foundation
import Synchronization
import TestSupport
import Testing
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `TCP sockets` {
    private let loop = SocketLoop(name: "test")
    private let store = try! CurveKeyPair.generate()  // A random key: nothing can fail.
    private let ann = try! CurveKeyPair.generate()  // As above.

    /// Admits the keys in `names`, and records refused keys and notes.
    private final class TestAuthenticator: Authenticator {
        let known: Mutex<CurvePublicKey?>
        let names = Mutex<[CurvePublicKey: String]>([:])
        let refused = Mutex<[CurvePublicKey]>([])
        let lost = Mutex<Set<String>>([])
        let notes = Mutex<[(sender: String?, text: String)]>([])

        init(knowing key: CurvePublicKey? = nil, letting ann: CurvePublicKey? = nil) {
            known = Mutex(key)
            if let ann { names.withLock { $0[ann] = "ann" } }
        }

        func key(of name: String) -> CurvePublicKey? {
            name == "store" ? known.withLock { $0 } : nil
        }

        func admit(_ handshake: Handshake) -> Admission {
            if let name = names.withLock({ $0[handshake.key] }) { return .admitted(as: name) }
            refused.withLock { $0.append(handshake.key) }
            return .denied
        }

        func isStillAdmitted(_ sender: String, to zapDomain: String) -> Bool {
            names.withLock { $0.values.contains(sender) }
        }

        func takeChangedSenders() -> Set<String> {
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
        _ identity: CurveKeyPair, _ authenticator: TestAuthenticator = TestAuthenticator(),
        limits: ConnectionLimits = ConnectionLimits()
    ) throws -> Context {
        try Context(
            security: Security(identity: identity, authenticator: authenticator), limits: limits)
    }

    private func client(
        _ identity: CurveKeyPair, of server: Endpoint, knowing key: CurvePublicKey
    ) async throws -> Endpoint {
        try await Endpoint(
            .dealer, connect: server.endpoint, on: loop,
            in: context(identity, TestAuthenticator(knowing: key)),
            peer: "store")
    }

    @Test func `Server knows a client by the name of its key`() async throws {
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, authenticator))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        #expect(try await client.send([[1], [2]]))
        #expect(try await server.request()?.sender == "ann")
    }

    @Test func `Server refuses connections without a key or with an unknown one`() async throws {
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, authenticator))
        let stranger = try CurveKeyPair.generate()
        let strange = try await client(stranger, of: server, knowing: store.publicKey)
        // It may be refused before it sends.
        _ = try await strange.send([[9]])
        // A client without keys is refused, too.
        let plain = try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: Context(), peer: "store")
        _ = try await plain.send([[9]])
        let known = try await client(ann, of: server, knowing: store.publicKey)
        while authenticator.refused.withLock({ $0.isEmpty }) { try await lookAgainSoon() }
        #expect(try await known.send([[1]]))
        #expect(try await server.request()?.sender == "ann")
        #expect(authenticator.refused.withLock { Set($0) } == [stranger.publicKey])
    }

    @Test func `Refused client learns why, and connects once the server accepts its key`()
        async throws
    {
        let authenticator = TestAuthenticator()
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, authenticator))
        let own = TestAuthenticator(knowing: store.publicKey)
        let client = try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: context(ann, own), peer: "store")
        var reason: String?
        while reason == nil {
            reason = try await client.reconnectIfRefused()
            try await lookAgainSoon()
        }
        #expect(reason?.hasPrefix("denied: store at tcp://127.0.0.1:") == true, "\(reason ?? "")")
        #expect(own.hasNoted("does not accept this process's key", of: nil))
        authenticator.names.withLock { $0[ann.publicKey] = "ann" }
        // The server may have refused the next attempt to connect before it knew the key.
        try await reconnect(client, to: server)
        #expect(try await client.reconnectIfRefused() == nil)
    }

    /// Reconnects the client and sends messages until the server has received one.
    private func reconnect(_ client: Endpoint, to server: Endpoint) async throws {
        var heard: [UInt8]?
        while heard == nil {
            _ = try await client.reconnectIfRefused()
            _ = try await client.send([[2]])
            heard = try await server.request(within: .milliseconds(100))?.frames.last
        }
        #expect(heard == [2])
    }

    @Test func `Client connects to a server that has a new key once it knows the key`()
        async throws
    {
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop,
            in: context(store, TestAuthenticator(letting: ann.publicKey)))
        let own = TestAuthenticator(knowing: try CurveKeyPair.generate().publicKey)
        let client = try await Endpoint(
            .dealer, connect: server.endpoint, on: loop, in: context(ann, own), peer: "store")
        own.known.withLock { $0 = store.publicKey }
        // What was sent before the connection with the new key is lost.
        try await reconnect(client, to: server)
        #expect(own.hasNoted("the key of store was replaced", of: "store"))
    }

    @Test func `Client with keys learns that a server does not use them`() async throws {
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: Context())
        let client = try await client(ann, of: server, knowing: store.publicKey)
        var reason: String?
        while reason == nil {
            reason = try await client.reconnectIfRefused()
            try await lookAgainSoon()
        }
        #expect(reason?.contains("does not use keys") == true, "\(reason ?? "")")
        #expect(try await server.receive(within: .zero) == nil)
    }

    @Test func `Removed key is disconnected, and admitted once it is known again`() async throws {
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, authenticator))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        #expect(try await server.request()?.frames.last == [1])
        // The client is not admitted again, even if it is still connected.
        authenticator.names.withLock { $0[ann.publicKey] = nil }
        authenticator.lost.withLock { $0 = ["ann"] }
        while authenticator.refused.withLock({ $0.isEmpty }) { try await lookAgainSoon() }
        _ = try await client.send([[2]])
        authenticator.names.withLock { $0[ann.publicKey] = "ann" }
        let again = try await self.client(ann, of: server, knowing: store.publicKey)
        #expect(try await again.send([[3]]))
        #expect(try await server.request()?.frames.last == [3])
    }

    @Test func `Server limits the connections per sender and the silent ones`() async throws {
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        var limits = ConnectionLimits()
        (limits.ofSender, limits.silent) = (5, 8)
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop,
            in: context(store, authenticator, limits: limits))
        var clients: [Endpoint] = []
        for id in 0..<6 {
            clients.append(try await client(ann, of: server, knowing: store.publicKey))
            _ = try await clients[id].send([[UInt8(id)]])
            if id < 5 { #expect(try await server.request()?.frames.last == [UInt8(id)]) }
        }
        // The server ignores the sixth connection and hears the others meanwhile.
        while !authenticator.hasNoted("too many", of: "ann") {
            _ = try await clients[0].send([[0]])
            #expect(try await server.request()?.frames.last == [0])
        }
        // Silent connections give way to one that sends.
        clients = []
        let crowd = try context(ann, TestAuthenticator(knowing: store.publicKey))
        for _ in 0..<12 {
            clients.append(
                try await Endpoint(
                    .dealer, connect: server.endpoint, on: loop, in: crowd, peer: "store"))
        }
        while !authenticator.hasNoted("oldest silent", of: nil) { try await lookAgainSoon() }
        // The silent clients reconnect, and the speaker may have to give way to them, so it
        // retries.
        let speaker = try await client(ann, of: server, knowing: store.publicKey)
        var heard: [UInt8]?
        while heard != [7] {
            _ = try await speaker.send([[7]])
            heard = try await server.request(within: .milliseconds(100))?.frames.last
        }
    }

    @Test func `Server disconnects a sender of endless messages and hears others`() async throws {
        let bob = try CurveKeyPair.generate()
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        authenticator.names.withLock { $0[bob.publicKey] = "bob" }
        var options = Socket.Options()
        options.unhandledBytes = 1 << 20
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(store, authenticator),
            options: options)
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        #expect(try await server.request()?.frames.last == [1])
        // The message is long enough to be measured before its end, at the latest when it is sent
        // again.
        let message = [[UInt8]](repeating: [UInt8](repeating: 0, count: 1 << 20), count: 48)
        let flood = Task {
            while !authenticator.hasNoted("unprocessed bytes", of: "ann") {
                _ = try await client.send(message)
                _ = try await client.waitUntilWritable()
            }
        }
        let other = try await self.client(bob, of: server, knowing: store.publicKey)
        while !authenticator.hasNoted("unprocessed bytes", of: "ann") {
            _ = try await other.send([[2]])
            while let request = try await server.request(), request.sender != "bob" {}
        }
        try await flood.value
    }

    @Test func `Client sends nothing to a server with another key than expected`() async throws {
        let authenticator = TestAuthenticator(letting: ann.publicKey)
        let impostor = try CurveKeyPair.generate()
        let server = try await Endpoint(
            .router, bind: "tcp://127.0.0.1:*", on: loop, in: context(impostor, authenticator))
        let client = try await client(ann, of: server, knowing: store.publicKey)
        _ = try await client.send([[1]])
        while !authenticator.hasNoted("a handshake failed", of: nil) { try await lookAgainSoon() }
        #expect(try await server.receive(within: .zero) == nil)
    }

    @Test(arguments: ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*"])
    func `Socket without keys does not listen on the network`(_ endpoint: String) async throws {
        await #expect(throws: ZeroMQError.self) {
            try await Endpoint(.router, bind: endpoint, on: loop, in: Context())
        }
        let open = try await Endpoint(.router, bind: "tcp://0.0.0.0:*", on: loop, in: context(ann))
        #expect(try await open.endpoint.hasPrefix("tcp://0.0.0.0:"))
    }

    @Test func `Socket does not connect without keys or to a peer of unknown key`() async throws {
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
