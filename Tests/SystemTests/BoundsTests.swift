import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Bounds of one client` {
    private static func header(_ kind: MessageKind, _ id: UInt64) -> [UInt8] {
        MessageHeader(kind, requestID: id).bytes
    }

    /// Appends an event, and checks that it can be read.
    private func checkStore(of suite: Suite) async throws {
        let store = try await suite.eventStore()
        try await closing(store.close) {
            let event = NewEvent(stream: try StreamName("work-1"), type: "T", data: [])
            let appended = try await store.append([event])
            var positions: [UInt64] = []
            try await store.read(ReadRequest(.categories(["work"]))) { batch in
                positions += batch.map(\.position)
            }
            #expect(positions.last == appended.last)
        }
        #expect(suite.isRunning("event-store"))
    }

    @Test func `Queries that wait for a position that never comes delay no other client`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        let loop = SocketLoop(name: "attack")
        let stranger = try await Stranger(
            .dealer, to: suite.endpoint(of: "balance"), on: loop, name: "balance")
        let query = #"{"atLeast":9000000000,"query":{}}"#
        for id in 1...2000 {
            try await stranger.send([
                Self.header(.call, UInt64(id)), Array("accounts".utf8), Array(query.utf8),
            ])
        }
        // 512 wait, and the others are rejected at once.
        for _ in 1...(2000 - 512) {
            let answer = try #require(try await stranger.receive())
            let body = answer[1]
            #expect(ProtocolError(body.span).code == .overloaded)
        }
        let client = try await suite.client(of: "balance")
        let none: [AccountBalance] = try await client.query("accounts", Nothing())
        #expect(none.isEmpty)
        await client.close()
        // A query ends when its caller does not wait any longer.
        let impatient = #"{"atLeast":9000000000,"timeout":0.01,"query":{}}"#
        let other = try await Stranger(
            .dealer, to: suite.endpoint(of: "balance"), on: loop, name: "balance")
        try await other.send([
            Self.header(.call, 1), Array("accounts".utf8), Array(impatient.utf8),
        ])
        let answer = try #require(try await other.receive())
        let body = answer[1]
        #expect(ProtocolError(body.span).code == .unavailable)
        #expect(suite.terminate("balance") == 0)
    }

    /// The rows of balance that this test reads: none.
    private struct AccountBalance: Decodable, Sendable {}

    @Test func `Message of endless frames ends its connection, and its memory is free again`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        try await checkStore(of: suite)
        // Each frame takes 2 bytes here and 64 at the other end: 512 MB in all, if nothing ends it.
        let frames = [[UInt8]](repeating: [1, 0], count: 100_000).flatMap(\.self)
        func isClosed() throws -> Bool {
            let closed = "daybook_connections_closed_total{reason=\"unprocessed\"}"
            return try suite.scrape("event-store")[closed] ?? 0 > 0
        }
        while try !isClosed() {
            let flood = try RawConnection(to: suite.endpoint(of: "event-store"))
            flood.greet(as: "DEALER")
            for _ in 1...80 { flood.send(frames) }
        }
        let bound = Double(300 << 20)
        while try suite.scrape("event-store")["process_resident_memory_bytes"] ?? .infinity > bound
        {
            try await lookAgainSoon()
        }
        try await checkStore(of: suite)
    }

    @Test func `Process survives more connections than it may have descriptors`() async throws {
        let suite = try Suite()
        try suite.start(
            "event-store", command: ["/bin/bash", "-c", "ulimit -n 1024; exec event-store serve"])
        try await checkStore(of: suite)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "PythonClient/crowd.py").path
        let crowd = (1...5).map { "crowd-\($0)" }
        for (index, name) in crowd.enumerated() {
            let socket = index.isMultiple(of: 2) ? "feed" : "event-store"
            let line =
                "ulimit -n 1100; exec /usr/bin/python3 \(script) \(suite.home)/\(socket).sock"
            try suite.start(name, command: ["/bin/bash", "-c", "\(line) 1000"])
        }
        for name in crowd { #expect(suite.waitForExit(of: name) == 0, "\(suite.log(of: name))") }
        try await checkStore(of: suite)
        let closed = "daybook_connections_closed_total{reason=\"descriptors\"}"
        #expect(try suite.scrape("event-store")[closed] ?? 0 > 0)
        #expect(suite.terminate("event-store") == 0)
    }
}
