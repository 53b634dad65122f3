import EventSourcing
import Foundation
public import Logging
public import ZeroMQ

/// The metrics and health of a process, for its metrics server.
public struct Observation: Sendable {
    let loop: SocketLoop
    let metrics: @Sendable () async -> [Metric]
    let fault: @Sendable () async -> String?

    /// Creates an observation.
    ///
    /// - Parameters:
    ///   - loop: the thread that does the process's work. The process is live while it runs tasks.
    ///   - metrics: returns the current metrics.
    ///   - fault: returns why the process is not ready, in one line, or nil if it is.
    public init(
        of loop: SocketLoop, metrics: @escaping @Sendable () async -> [Metric],
        fault: @escaping @Sendable () async -> String?
    ) {
        self.loop = loop
        self.metrics = metrics
        self.fault = fault
    }
}

/// Serves a process's `/metrics`, `/live` and `/ready` over HTTP.
///
/// `/metrics` has the format of Prometheus. The thread that does the process's work answers
/// `/live`. The rest runs on a thread of its own, and requests are limited in number and time, so
/// no client can delay the process.
public actor MetricsServer {
    /// How long a client may take for its request and to read the answer.
    private static let patience: Duration = .seconds(5)
    /// How many connections are served at a time. More wait in the system's queue.
    private static let connections = 16
    /// How many bytes after a request are read and ignored before the connection is closed.
    private static let drain = 1 << 20

    private let listener: StreamListener
    private let loop: SocketLoop
    private let observation: Observation
    private let logger: Logger
    private var open = 0
    private var roomWaiter: CheckedContinuation<Void, Never>?

    /// The server's own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Creates a server and binds its address. Returns nil if the address is nil.
    ///
    /// - Throws: `unavailable` if the address can't be bound.
    public init?(
        at address: StreamAddress?, _ observation: Observation, logger: Logger
    ) async throws {
        guard let address else { return nil }
        loop = SocketLoop(name: "metrics")
        self.observation = observation
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
                await waitForRoom()
                do {
                    let connection = try await listener.accept()
                    open += 1
                    group.addTask { await self.serve(connection) }
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

    private func waitForRoom() async {
        guard open >= Self.connections else { return }
        await withCheckedContinuation { continuation in
            // Connections may have ended while this task suspended.
            if open < Self.connections { continuation.resume() } else { roomWaiter = continuation }
        }
    }

    private func serve(_ connection: StreamConnection) async {
        let deadline = ContinuousClock.now + Self.patience
        do {
            let answer = await answer(to: try await head(from: connection, until: deadline))
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
        open -= 1
        roomWaiter?.resume()
        roomWaiter = nil
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
        guard let head else {
            return HTTPResponse.failure("431 Request Header Fields Too Large").bytes(isHead: false)
        }
        do {
            let request = try HTTPRequest(head)
            return await answer(to: request.path).bytes(isHead: request.isHead)
        } catch {
            let status =
                switch error {
                case .malformed: "400 Bad Request"
                case .unknownVersion: "505 HTTP Version Not Supported"
                case .unknownMethod: "405 Method Not Allowed"
                }
            return HTTPResponse.failure(status).bytes(isHead: false)
        }
    }

    private func answer(to path: String) async -> HTTPResponse {
        switch path {
        case "/metrics":
            let metrics =
                await observation.metrics() + Registry.ofProcess.metrics() + ProcessMetrics.read()
            return HTTPResponse(
                status: "200 OK", contentType: Exposition.contentType,
                body: Exposition.text(metrics))
        case "/ready":
            guard let fault = await observation.fault() else {
                return HTTPResponse(status: "200 OK", body: "ready\n")
            }
            return HTTPResponse(status: "503 Service Unavailable", body: fault + "\n")
        case "/live":
            await Task(executorPreference: observation.loop) {}.value
            return HTTPResponse(status: "200 OK", body: "live\n")
        default:
            return HTTPResponse(status: "404 Not Found", body: "/metrics, /live or /ready\n")
        }
    }
}
