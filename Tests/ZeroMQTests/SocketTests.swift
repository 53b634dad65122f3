import Foundation
import Testing
import ZeroMQ

/// A socket on a loop, as processes use it.
actor Endpoint {
    private let socket: Socket
    private let loop: SocketLoop

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        _ kind: Socket.Kind, bind: String? = nil, connect: String? = nil, on loop: SocketLoop,
        in context: Context, options: Socket.Options = .init(), subscribe: String? = nil,
        peer: String = ""
    ) async throws {
        self.loop = loop
        socket = try Socket(kind, on: loop, in: context, options: options)
        if let subscribe { try socket.subscribe(subscribe) }
        if let bind { try socket.bind(bind) }
        if let connect { try socket.connect(connect, to: peer) }
    }

    var endpoint: String { get throws { try socket.lastEndpoint } }

    func send(_ frames: [[UInt8]]) throws -> Bool { try socket.send(frames) }

    func receive(within time: Duration = .seconds(120)) async throws -> [[UInt8]]? {
        while true {
            if let message = try socket.receiveMessage() { return message }
            guard try await socket.readable(until: .now + time) else { return nil }
        }
    }

    /// The next request to a ROUTER socket and its sender.
    func request(
        within time: Duration = .seconds(120)
    ) async throws -> ReceivedRequest? {
        while true {
            if let request = try socket.receiveRequest() { return request }
            guard try await socket.readable(until: .now + time) else { return nil }
        }
    }

    func reconnectIfRefused() throws -> String? { try socket.reconnectIfRefused() }

    func waitUntilWritable() async throws -> Bool {
        try await socket.writable(until: .now + .seconds(120))
    }

    func echo() async throws {
        while try await socket.readable() {
            while let message = try socket.receiveMessage() { _ = try socket.send(message) }
        }
    }

    /// Keeps `window` messages in flight until `count` have come back.
    func pump(count: Int, window: Int) async throws -> Int {
        var sent = 0
        var received = 0
        while received < count {
            while sent < min(count, received + window) {
                guard try socket.send([[UInt8](repeating: 7, count: 16)]) else { break }
                sent += 1
            }
            guard try await socket.readable(until: .now + .seconds(120)) else { return received }
            while try socket.receiveMessage() != nil { received += 1 }
        }
        return received
    }
}

@Suite struct `ZeroMQ sockets` {
    private let context: Context
    private let loop = SocketLoop(name: "test")
    private let endpoint = "ipc://\(NSTemporaryDirectory())\(UUID().uuidString.prefix(8)).sock"

    init() throws { context = try Context() }

    private func endpoint(
        _ kind: Socket.Kind, bind: Bool, options: Socket.Options = .init(), subscribe: String? = nil
    ) async throws -> Endpoint {
        try await Endpoint(
            kind, bind: bind ? endpoint : nil, connect: bind ? nil : endpoint, on: loop,
            in: context, options: options, subscribe: subscribe)
    }

    @Test(.timeLimit(.minutes(10)))
    func `Echoed message keeps its frames in order`() async throws {
        let server = try await endpoint(.router, bind: true)
        let client = try await endpoint(.dealer, bind: false)
        let serving = Task { try await server.echo() }
        let message: [[UInt8]] = [[1], [], [UInt8](repeating: 3, count: 1 << 20)]
        #expect(try await client.send(message))
        #expect(try await client.receive() == message)
        serving.cancel()
        await #expect(throws: CancellationError.self) { try await serving.value }
    }

    @Test(.timeLimit(.minutes(10)))
    func `Socket loses none of 20,000 messages with 500 in flight`() async throws {
        let server = try await endpoint(.router, bind: true)
        let client = try await endpoint(.dealer, bind: false)
        let serving = Task { try await server.echo() }
        #expect(try await client.pump(count: 20_000, window: 500) == 20_000)
        serving.cancel()
    }

    @Test(.timeLimit(.minutes(10)))
    func `Receive times out when there is no message`() async throws {
        let client = try await endpoint(.dealer, bind: false)
        #expect(try await client.receive(within: .milliseconds(10)) == nil)
    }

    @Test(.timeLimit(.minutes(10)))
    func `Receive stops waiting when its task is cancelled`() async throws {
        let client = try await endpoint(.dealer, bind: false)
        let waiting = Task { try await client.receive(within: .seconds(600)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test(.timeLimit(.minutes(10)))
    func `Send fails at the high-water mark and works again when there is room`() async throws {
        var options = Socket.Options()
        options.sendHighWaterMark = 10
        options.receiveHighWaterMark = 10
        let server = try await endpoint(.dealer, bind: true, options: options)
        let client = try await endpoint(.dealer, bind: false, options: options)
        #expect(try await client.waitUntilWritable())
        var sent = 0
        let large = [UInt8](repeating: 1, count: 1 << 20)
        while try await client.send([large]) { sent += 1 }
        #expect(sent >= 10)
        for _ in 0..<sent { #expect(try await server.receive() == [large]) }
        #expect(try await client.waitUntilWritable())
        #expect(try await client.send([[1]]))
        #expect(try await server.receive() == [[1]])
    }

    @Test(.timeLimit(.minutes(10)))
    func `Router reports that an unknown peer is unreachable`() async throws {
        let server = try await endpoint(.router, bind: true)
        await #expect(throws: ZeroMQError.hostUnreachable) {
            try await server.send([[9, 9, 9], [1]])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `Publisher sees subscriptions and sends only matching messages`() async throws {
        let publisher = try await endpoint(.xpub, bind: true)
        let subscriber = try await endpoint(.sub, bind: false, subscribe: "order.")
        #expect(try await publisher.receive() == [[1] + Array("order.".utf8)])
        #expect(try await publisher.send([Array("route.Created".utf8), [1]]))
        #expect(try await publisher.send([Array("order.Placed".utf8), [2]]))
        #expect(try await subscriber.receive() == [Array("order.Placed".utf8), [2]])
    }

    @Test func `Bind to a used or malformed endpoint fails`() async throws {
        let first = try await endpoint(.router, bind: true)
        _ = try await first.endpoint
        let tcp = try await Endpoint(.router, bind: "tcp://127.0.0.1:*", on: loop, in: context)
        let taken = try await tcp.endpoint
        await #expect {
            _ = try await Endpoint(.router, bind: taken, on: loop, in: context)
        } throws: {
            ZeroMQError.addressInUse ~= $0
                && "\($0)" == "can't bind \(taken): Address already in use"
        }
        await #expect(throws: ZeroMQError.self) {
            _ = try await Endpoint(.router, bind: "nonsense", on: loop, in: context)
        }
    }
}
