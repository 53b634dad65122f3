import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import Testing
import WireProtocol
import ZeroMQ

/// A feed between a store and its subscribers that loses, repeats and holds back what it likes.
private actor Meddler {
    private let from: Socket
    private let to: Socket
    private let loop: SocketLoop
    private var random = SplitMix(state: 11)
    private var heldBack: [[[UInt8]]] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(from source: String, to endpoint: String, on loop: SocketLoop, in context: Context)
        async throws
    {
        self.loop = loop
        from = try Socket(.sub, on: loop, in: context)
        try from.subscribe("")
        try from.connect(source)
        to = try Socket(.xpub, on: loop, in: context)
        try to.bind(endpoint)
    }

    func run() async throws {
        while true {
            while let message = try from.receiveMessage() { try pass(message) }
            _ = try await from.readable()
        }
    }

    private func pass(_ message: [[UInt8]]) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: break
        case 2: heldBack.append(message)
        case 3:
            _ = try to.send(message)
            _ = try to.send(message)
        default: _ = try to.send(message)
        }
        if !heldBack.isEmpty, Bool.random(using: &random) {
            _ = try to.send(heldBack.removeFirst())
        }
    }
}

/// A store in this process that can be stopped and started again on the same folder.
private final class Store {
    let context: Context
    let loop = SocketLoop(name: "store")
    let clientLoop = SocketLoop(name: "client")
    let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
    private var running: Task<Void, any Error>?
    private var meddling: Task<Void, any Error>?

    init(isMeddledWith: Bool = false) async throws {
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        if isMeddledWith {
            let meddler = try await Meddler(
                from: "ipc://\(folder)/real.sock", to: "ipc://\(folder)/feed.sock", on: loop,
                in: context)
            meddling = Task { try await meddler.run() }
        }
        try await start(feed: isMeddledWith ? "real.sock" : "feed.sock")
    }

    func start(feed: String = "feed.sock") async throws {
        let folder = folder
        let server = try await EventStoreServer(
            endpoint: "ipc://\(folder)/requests.sock", feed: "ipc://\(folder)/\(feed)",
            advertised: "ipc://\(folder)/feed.sock", on: loop, in: context
        ) {
            try EventLog(
                in: FileStorage(folder: folder + "/log"), segmentBytes: 1 << 18,
                now: { Timestamp(microseconds: 1_000) })
        }
        running = Task { try await server.run() }
    }

    func stop() async {
        running?.cancel()
        _ = await running?.result
        running = nil
    }

    func client() async throws -> EventStoreClient {
        try await EventStoreClient(
            endpoint: "ipc://\(folder)/requests.sock", on: clientLoop, in: context)
    }

    deinit {
        running?.cancel()
        meddling?.cancel()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

private func event(_ number: Int, category: String = "s") throws -> NewEvent {
    NewEvent(
        id: EventID(high: 1, low: UInt64(number)), stream: try StreamName("\(category)-1"),
        type: "T", data: Array("event \(number)".utf8))
}

@Suite(.timeLimit(.minutes(2))) struct `A client` {
    @Test func `appends, finds and reads back`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let appended = try await client.append(try (1...700).map { try event($0) })
        #expect(appended.first == 1 && appended.last == 700)
        var seen: [UInt64] = []
        let request = ReadRequest(.all, from: 1, chunkBytes: 4096)
        let end = try await client.read(request) { seen += $0.map(\.position) }
        #expect(seen == (1...700).map { UInt64($0) })
        #expect(end == 700)
        #expect(try await client.event(id: EventID(high: 1, low: 650))?.position == 650)
        #expect(try await client.event(id: EventID(high: 9, low: 9)) == nil)
        await client.close()
    }

    @Test func `appends once, though the store was away`() async throws {
        let store = try await Store()
        let client = try await store.client()
        _ = try await client.append([event(1)])
        await store.stop()
        let new = try event(2)
        async let appended = client.append([new])
        try await store.start()
        #expect(try await appended.first == 2)
        #expect(try await client.append([event(2)]).isRepeat)
        #expect(try await client.welcome().head == 2)
        await client.close()
    }

    @Test func `says that nobody answers`() async throws {
        let store = try await Store()
        await store.stop()
        let client = try await store.client()
        await #expect(throws: Unavailable.self) {
            _ = try await client.welcome(timeout: .milliseconds(50))
        }
        await client.close()
    }

    @Test func `throws what the store refuses`() async throws {
        let store = try await Store()
        let client = try await store.client()
        do {
            let stream = try StreamName("s-1")
            _ = try await client.append([event(1)], .stream(stream, .streamExists))
            Issue.record("it was appended")
        } catch let error as ProtocolError {
            #expect(error.code == .wrongRevision)
        }
        await client.close()
    }
}

@Suite(.timeLimit(.minutes(2))) struct `A subscription` {
    /// Takes batches until `count` events have come.
    private func take(_ count: Int, of subscription: Subscription) async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        while events.count < count { events += try await subscription.next().events }
        return events
    }

    @Test(arguments: [false, true])
    func `has neither hole nor duplicate, whatever the feed does`(isMeddledWith: Bool) async throws
    {
        let store = try await Store(isMeddledWith: isMeddledWith)
        let (writer, reader) = (try await store.client(), try await store.client())
        _ = try await writer.append(try (1...1200).map { try event($0) })
        let subscription = try await reader.subscribe(.all, after: 100)
        async let taken = take(2_900, of: subscription)
        for number in 1201...2_100 { _ = try await writer.append([event(number)]) }
        _ = try await writer.append(try (2101...3000).map { try event($0) })
        #expect(try await taken.map(\.position) == (101...3000).map { UInt64($0) })
        await writer.close()
        await reader.close()
    }

    @Test func `gives what its query asks for, and moves its checkpoint past the rest`()
        async throws
    {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe(.categories(["b"]))
        for number in 1...60 {
            _ = try await client.append([event(number, category: number % 3 == 0 ? "b" : "a")])
        }
        _ = try await client.append([event(61, category: "a")])
        var events: [RecordedEvent] = []
        var through: UInt64 = 0
        while through < 61 {
            let batch = try await subscription.next()
            events += batch.events
            #expect(batch.through > through)
            through = batch.through
        }
        #expect(events.map(\.position) == (1...20).map { UInt64(3 * $0) })
        await client.close()
    }

    @Test func `goes on when the store comes back`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe()
        _ = try await client.append([event(1)])
        _ = try await take(1, of: subscription)
        await store.stop()
        try await store.start()
        _ = try await client.append([event(2)])
        #expect(try await take(1, of: subscription).map(\.position) == [2])
        await client.close()
    }

    @Test func `ends when it is cancelled`() async throws {
        let store = try await Store()
        let client = try await store.client()
        let subscription = try await client.subscribe()
        let waiting = Task { while true { _ = try await subscription.next() } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await client.close()
    }
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014: a seeded sequence.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
