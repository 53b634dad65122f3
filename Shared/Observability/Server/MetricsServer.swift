import EventSourcing
import Foundation
public import Logging
public import ZeroMQ

/// Serves a process's `/metrics`, `/live` and `/ready` over HTTP.
///
/// `/metrics` has the format of Prometheus. The thread that does the process's work answers
/// `/live`. The rest runs on a thread of its own, and requests are limited in number and time, so
/// no client can delay the process.
public actor MetricsServer: LoopActor {
    /// How long a client may take for its request and to read the answer.
    private static let patience: Duration = .seconds(5)
    /// How many connections are served at a time. For one more, the oldest that waits for its
    /// client ends. While all are being answered, more wait in the system's queue.
    private static let connections = 16
    /// How many bytes after a request are read and ignored before the connection is closed.
    private static let drain = 1 << 20

    private let listener: StreamListener
    /// The server's own thread.
    public nonisolated let loop: SocketLoop
    private let observedLoop: SocketLoop
    private let metrics: @Sendable () async -> [Metric]
    private let fault: @Sendable () async -> String?
    private let degradation: @Sendable () async -> String?
    private let logger: Logger
    /// The open connections, the oldest first.
    private var open: [Open] = []
    private var lastID: UInt64 = 0
    private var roomWaiter: CheckedContinuation<Void, Never>?

    private struct Open {
        let id: UInt64
        let connection: StreamConnection
        /// Whether the server is making the answer. Otherwise it waits for the client.
        var isAnswering = false
    }

    /// Creates a server and binds its address. Returns nil if the address is nil.
    ///
    /// - Parameters:
    ///   - observedLoop: the thread that does the process's work. The process is live while it
    ///     runs tasks.
    ///   - metrics: returns the current metrics.
    ///   - fault: returns why the process is not ready, in one line, or nil if it is.
    ///   - degradation: returns what a ready process can't do, in one line, or nil if it can do
    ///     everything.
    /// - Throws: `unavailable` if the address can't be bound.
    public init?(
        at address: StreamAddress?, of observedLoop: SocketLoop,
        metrics: @escaping @Sendable () async -> [Metric],
        fault: @escaping @Sendable () async -> String?,
        degradation: @escaping @Sendable () async -> String? = { nil }, logger: Logger
    ) async throws {
        guard let address else { return nil }
        loop = SocketLoop(name: "metrics")
        self.observedLoop = observedLoop
        self.metrics = metrics
        self.fault = fault
        self.degradation = degradation
        self.logger = logger
        do {
            listener = try StreamListener(address, on: loop)
        } catch {
            throw DaybookError(
                .unavailable, "metrics can't be served at \(address): \(error)")
        }
    }

    /// Serves requests until the task is cancelled.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                do {
                    let connection = try await listener.accept()
                    await makeRoom()
                    lastID += 1
                    let id = lastID
                    open.append(Open(id: id, connection: connection))
                    group.addTask { await self.serve(connection, id) }
                } catch let error as ZeroMQError {
                    logger.warning(
                        "the metrics server failed to accept a connection",
                        metadata: ["reason": "\(error)"])
                    // A common reason is that no descriptor is free. Nothing signals when one is,
                    // and a retry without a pause would keep a core busy.
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    /// Ends the oldest connection that waits for its client, if there are too many. Waits while all
    /// of them are being answered.
    private func makeRoom() async {
        while open.count >= Self.connections {
            if let oldest = open.firstIndex(where: { !$0.isAnswering }) {
                open.remove(at: oldest).connection.end()
            } else {
                await withCheckedContinuation { roomWaiter = $0 }
            }
        }
    }

    private func serve(_ connection: StreamConnection, _ id: UInt64) async {
        await exchange(with: connection, id)
        open.removeAll { $0.id == id }
        wakeRoomWaiter()
    }

    private func setAnswering(_ isAnswering: Bool, _ id: UInt64) {
        guard let index = open.firstIndex(where: { $0.id == id }) else { return }
        open[index].isAnswering = isAnswering
        if !isAnswering { wakeRoomWaiter() }
    }

    private func wakeRoomWaiter() {
        roomWaiter?.resume()
        roomWaiter = nil
    }

    private func exchange(with connection: StreamConnection, _ id: UInt64) async {
        let deadline = ContinuousClock.now + Self.patience
        do {
            let head = try await head(from: connection, until: deadline)
            setAnswering(true, id)
            let answer = await answer(to: head)
            setAnswering(false, id)
            try await connection.send(answer, until: deadline)
            connection.finish()
            // Closing a socket with unread bytes resets the connection. The client could then lose
            // the answer.
            var left = Self.drain
            while left > 0 {
                let rest = try await connection.receive(atMost: 4096, until: deadline)
                left -= rest.isEmpty ? left : rest.count
            }
        } catch {
            // The client has disconnected or is too slow, so it can't be sent an answer.
            logger.debug(
                "the metrics server closed a connection early", metadata: ["reason": "\(error)"])
        }
    }

    /// Returns the head of a request, or nil if it is too long.
    private func head(
        from connection: StreamConnection, until deadline: ContinuousClock.Instant
    ) async throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while true {
            if let end = HTTPRequest.headEnd(in: bytes) { return Array(bytes[..<end]) }
            guard bytes.count <= HTTPRequest.maximumBytes else { return nil }
            let more = try await connection.receive(
                atMost: HTTPRequest.maximumBytes + 1 - bytes.count, until: deadline)
            guard !more.isEmpty else { throw ZeroMQError.hostUnreachable }
            bytes += more
        }
    }

    private func answer(to head: [UInt8]?) async -> [UInt8] {
        do throws(HTTPRequest.Fault) {
            guard let head else { throw .tooLong }
            let request = try HTTPRequest(head)
            return await answer(to: request.path).bytes(isHead: request.isHead)
        } catch {
            return HTTPResponse.failure(error.rawValue).bytes(isHead: false)
        }
    }

    private func answer(to path: String) async -> HTTPResponse {
        switch path {
        case "/metrics":
            let metrics =
                await metrics() + ProcessCounters.shared.metrics()
                + ProcessMetrics.read()
            return HTTPResponse(
                status: "200 OK", contentType: Exposition.contentType,
                body: Exposition.text(metrics))
        case "/ready":
            if let fault = await fault() {
                return HTTPResponse(status: "503 Service Unavailable", body: fault + "\n")
            }
            let degradation = await degradation().map { ", but degraded: \($0)" } ?? ""
            return HTTPResponse(status: "200 OK", body: "ready\(degradation)\n")
        case "/live":
            await Task(executorPreference: observedLoop) {}.value
            return HTTPResponse(status: "200 OK", body: "live\n")
        default:
            return HTTPResponse(status: "404 Not Found", body: "/metrics, /live or /ready\n")
        }
    }
}
