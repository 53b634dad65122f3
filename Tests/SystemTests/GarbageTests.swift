import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Garbage from clients` {
    @Test func `Every process answers garbage with errors and keeps working`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ivan", funds: "1.00", credit: "1.00")
        let store = try await suite.eventStore()
        let head = try await store.welcome().head
        let loop = SocketLoop(name: "stranger")
        for (seed, name) in (Suite.services + ["event-store"]).enumerated() {
            let endpoint = "ipc://\(suite.home)/\(name).sock"
            var garbage = Garbage(random: SplitMix(state: UInt64(seed)))
            let stranger = try await Stranger(.dealer, to: endpoint, on: loop)
            let malformed = garbage.malformed()
            for message in malformed { try await stranger.send(message) }
            for _ in malformed {
                let answer = try await stranger.receive()
                let kind = answer?.first?.dropFirst(3).first
                #expect(kind == MessageKind.error.rawValue, "\(name) answers \(answer ?? [])")
            }
            // The process closes the connection, and the stranger makes another one.
            try await stranger.send(garbage.endless())
            for message in garbage.noise() { try await stranger.send(message) }
            try garbage.speakNoProtocol(to: endpoint, as: "DEALER")
            if name != "event-store" {
                #expect(try await suite.status(of: name).service == name)
            }
        }
        var garbage = Garbage(random: SplitMix(state: 99))
        try garbage.speakNoProtocol(to: "ipc://\(suite.home)/feed.sock", as: "SUB")
        #expect(try await store.welcome().head == head)
        for name in Suite.services + ["event-store"] {
            #expect(suite.isRunning(name), "\(name): \(suite.log(of: name))")
        }
        // The suite works as before.
        try await suite.place("after", of: "ivan", price: 1)
        _ = try await suite.ended("after")
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        await store.close()
    }

    @Test func `Feed reaches its subscribers while another peer sends noise`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        let store = try await suite.eventStore()
        _ = try await store.welcome()
        let endpoint = "ipc://\(suite.home)/feed.sock"
        let loop = SocketLoop(name: "listener")
        let listener = try await Stranger(.sub, to: endpoint, on: loop)
        // A heartbeat shows that the subscription works.
        _ = try await listener.receive()
        for first in [2, 3, 9, 127, .max] as [UInt8] {
            let stranger = try RawConnection(to: endpoint)
            stranger.greet(as: "SUB")
            // What is no subscription ends the connection, which would get heartbeats otherwise.
            let topic = Array(Feed.heartbeatTopic.utf8)
            for message in [[1] + topic, [first] + topic] { stranger.send(message: message) }
            var received: [UInt8] = []
            #expect(!stranger.receive(&received) { $0.split(separator: topic).count > 20 })
        }
        for number in 1...20 {
            _ = try await store.append([
                NewEvent(stream: try StreamName("a-\(number)"), type: "T", data: [])
            ])
        }
        // Heartbeats arrive between the events, four per second.
        var (heard, heartbeats) = (0, 0)
        while heard < 20, heartbeats < 80, let message = try await listener.receive() {
            if message[0] == Array("a.T".utf8) { heard += 1 } else { heartbeats += 1 }
        }
        #expect(heard == 20)
        await store.close()
    }
}

/// Messages that no client of the suite sends, always the same for the same seed.
private struct Garbage {
    var random: SplitMix

    /// Messages that must be answered with an error.
    mutating func malformed() -> [[[UInt8]]] {
        let header = MessageHeader(.call, requestID: 7).bytes
        var messages: [[[UInt8]]] = [[[]], [[], []], [[], [], []]]
        messages += (0..<header.count).map { [Array(header.prefix($0))] }
        messages += [
            [header + [0]], [header, [], [], []], [header], [header, Array("status".utf8)],
        ]
        for kind in UInt8.min...(.max) where !(1...6).contains(kind) {
            messages.append([with(header, kind, at: 3), [], []])
        }
        messages += (2...9).map { [with(header, $0, at: 2), [], []] }
        messages += (0..<100).map { _ in
            (0..<Int.random(in: 1...6, using: &random)).map { _ in random.bytes(0...64) }
        }
        messages.append([random.bytes(500_000...500_000)])
        messages += ["event", "limit", "account", "PlaceOrder", ""].map {
            [header, Array($0.utf8), [0x7B] + random.bytes(0...64)]
        }
        return messages
    }

    /// A message of more frames than a process accepts.
    mutating func endless() -> [[UInt8]] { (0..<2000).map { _ in random.bytes(0...8) } }

    /// Messages with a valid header. The test expects no particular answer to them.
    mutating func noise() -> [[[UInt8]]] {
        (0..<500).map { _ in
            let kind =
                [MessageKind.append, .read, .credit, .cancel, .hello, .call]
                .randomElement(using: &random) ?? .call
            let header = MessageHeader(kind, requestID: random.next()).bytes
            let count = Int.random(in: 0...3, using: &random)
            return [header] + (0..<count).map { _ in random.bytes(0...200) }
        }
    }

    /// Opens connections that do not speak ZeroMQ, or stop doing so midway.
    mutating func speakNoProtocol(to endpoint: String, as type: String) throws {
        for count in [0, 1, 9, 10, 11, 63] {
            try RawConnection(to: endpoint).send(Array(RawConnection.greeting.prefix(count)))
        }
        for _ in 0..<20 { try RawConnection(to: endpoint).send(random.bytes(1...2000)) }
        for _ in 0..<20 {
            let connection = try RawConnection(to: endpoint)
            connection.greet(as: type)
            for _ in 0..<20 {
                connection.send(
                    message: random.bytes(0...255), more: Bool.random(using: &random))
            }
            connection.send(random.bytes(1...2000))
        }
        // The beginning of a frame of 2^40 bytes.
        let giant = try RawConnection(to: endpoint)
        giant.greet(as: type)
        giant.send([2, 0, 0, 1, 0, 0, 0, 0, 0] + random.bytes(1000...1000))
        try RawConnection(to: endpoint).greet(as: "NONSENSE")
    }

    private func with(_ bytes: [UInt8], _ byte: UInt8, at index: Int) -> [UInt8] {
        var bytes = bytes
        bytes[index] = byte
        return bytes
    }
}
