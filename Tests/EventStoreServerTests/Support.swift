import EventLog
import EventSourcing
import EventStoreServer
import Foundation
import Observability
import Testing
import WireProtocol
import ZeroMQ

/// A client that speaks the protocol frame by frame.
actor Wire {
    private let socket: Socket
    private let loop: SocketLoop

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameter buffer: how many messages it takes before they are received.
    init(
        _ endpoint: String, subscribe: String? = nil, on loop: SocketLoop, in context: Context,
        buffer: Int32 = 1000
    ) async throws {
        self.loop = loop
        var options = Socket.Options()
        options.receiveHighWaterMark = buffer
        socket = try Socket(
            subscribe == nil ? .dealer : .sub, on: loop, in: context, options: options)
        if let subscribe { try socket.subscribe(subscribe) }
        try socket.connect(endpoint, to: "event-store")
    }

    func subscribe(_ prefix: String) throws { try socket.subscribe(prefix) }

    func send(_ frames: [[UInt8]]) throws { #expect(try socket.send(frames)) }

    /// Returns the next message, or an empty one if none arrives in time.
    func receive(within time: Duration = .seconds(120)) async throws -> [[UInt8]] {
        while true {
            if let message = try socket.receiveMessage() { return message }
            guard try await socket.readable(until: .now + time) else { return [] }
        }
    }
}

/// A server on a folder of its own.
final class Store {
    let context: Context
    let loop = SocketLoop(name: "store")
    let clientLoop = SocketLoop(name: "clients")
    let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
    let server: EventStoreServer
    let running: Task<Void, any Error>

    let endpoint: String
    var feed: String { "ipc://\(folder)/feed.sock" }

    /// - Parameters:
    ///   - endpoint: where it takes requests, or nil for a socket in its folder.
    ///   - prepare: Called with the folder of the log before the server opens it.
    init(
        endpoint: String? = nil, segmentBytes: Int = 1 << 20,
        storage: (@Sendable (String) throws -> any LogStorage)? = nil,
        prepare: (String) throws -> Void = { _ in }
    ) async throws {
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let folder = folder
        self.endpoint = endpoint ?? "ipc://\(folder)/requests.sock"
        try prepare(folder + "/log")
        server = try await EventStoreServer(
            endpoint: self.endpoint, feed: "ipc://\(folder)/feed.sock", on: loop,
            in: context
        ) {
            let folder = folder + "/log"
            return try EventLog(
                in: storage?(folder) ?? FileStorage(folder: folder), segmentBytes: segmentBytes,
                now: { Timestamp(microseconds: 1_000) })
        }
        running = Task { [server] in try await server.run() }
    }

    deinit {
        running.cancel()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func client(buffer: Int32 = 1000) async throws -> Wire {
        try await Wire(endpoint, on: clientLoop, in: context, buffer: buffer)
    }

    /// Appends events of 256 KiB, one after the other.
    func appendLarge(_ count: Int) async throws {
        let client = try await client()
        for id in 1...count {
            var record: [UInt8] = []
            try NewEvent(
                id: EventID(high: 2, low: UInt64(id)), stream: StreamName("large-\(id)"),
                type: "T", data: [UInt8](repeating: 7, count: 256 << 10)
            ).encode(into: &record)
            try await client.send(
                [header(.append, UInt64(id)), try AppendCondition.any.encoded(), record])
            #expect(try kind(try await client.receive()[0]).kind == .appended)
        }
    }

    /// Returns the value of a metric, whose name includes its labels.
    func metric(_ name: String) async -> Double? {
        let text = Exposition.text(await server.metrics())
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    func subscriber(_ prefix: String, buffer: Int32 = 1000) async throws -> Wire {
        try await Wire(feed, subscribe: prefix, on: clientLoop, in: context, buffer: buffer)
    }
}

// Each function names its frame, so that no span outlives it.
func kind(_ frame: [UInt8]) throws -> MessageHeader { try MessageHeader(frame.span) }
func appended(_ frame: [UInt8]) throws -> Appended { try Appended(frame.span) }
func problem(_ frame: [UInt8]) -> ProtocolError { ProtocolError(frame.span) }
func chunkHeader(_ frame: [UInt8]) throws -> ChunkHeader { try ChunkHeader(frame.span) }
func head(_ frame: [UInt8]) throws -> UInt64 { try Heartbeat(frame.span).head }

func header(_ kind: MessageKind, _ requestID: UInt64) -> [UInt8] {
    MessageHeader(kind, requestID: requestID).bytes
}

func records(_ ids: [Int], stream: String = "s-1") throws -> [UInt8] {
    var bytes: [UInt8] = []
    for id in ids {
        try NewEvent(
            id: EventID(high: 1, low: UInt64(id)), stream: StreamName(stream), type: "T",
            data: Array("event \(id)".utf8)
        ).encode(into: &bytes)
    }
    return bytes
}

func append(_ id: UInt64, _ ids: [Int], _ condition: AppendCondition = .any) throws
    -> [[UInt8]]
{
    [header(.append, id), try condition.encoded(), try records(ids)]
}
