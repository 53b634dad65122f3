import EventSourcing
import Foundation
public import Logging
public import ZeroMQ

/// What a process tells of itself to whoever watches over it.
public struct Observation: Sendable {
    let loop: SocketLoop
    let metrics: @Sendable () async -> [Metric]
    let fault: @Sendable () async -> String?

    /// - Parameters:
    ///   - loop: the thread that does the process's work: while it does, the process is live.
    ///   - metrics: what there is to be scraped.
    ///   - fault: what keeps the process from being ready, in a line; nil if nothing does.
    public init(
        of loop: SocketLoop, metrics: @escaping @Sendable () async -> [Metric],
        fault: @escaping @Sendable () async -> String?
    ) {
        self.loop = loop
        self.metrics = metrics
        self.fault = fault
    }
}

/// Serves over HTTP, on a thread of its own, `/metrics` in Prometheus' format, `/live`, which is
/// answered by the thread that does the process's work, and `/ready`.
///
/// Nothing that a client does holds up the process: it has a few seconds for its request and the
/// answer, and there are few connections at a time; more wait in the system's queue.
public actor MetricsServer {
    private static let patience: Duration = .seconds(5)
    private static let connections = 16
    /// How much of what a client sends behind its request is taken before it is cut off.
    private static let drain = 1 << 20

    private let listener: StreamListener
    private let loop: SocketLoop
    private let observation: Observation
    private let logger: Logger
    private var open = 0
    private var roomWaiter: CheckedContinuation<Void, Never>?

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Binds the address; nil if there is none.
    ///
    /// - Throws: `unavailable` if it can't be bound.
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

    /// Serves until cancelled.
    public func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                await waitForRoom()
                do {
                    let connection = try await listener.accept()
                    open += 1
                    group.addTask { await self.serve(connection) }
                } catch let error as ZeroMQError {
                    logger.warning("a scrape can't be taken", metadata: ["reason": "\(error)"])
                    // No descriptor is left, say; nobody tells when one is free again.
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }

    private func waitForRoom() async {
        guard open >= Self.connections else { return }
        await withCheckedContinuation { roomWaiter = $0 }
    }

    private func serve(_ connection: StreamConnection) async {
        let deadline = ContinuousClock.now + Self.patience
        do {
            let answer = await answer(to: try await head(from: connection, until: deadline))
            try await connection.send(answer, until: deadline)
            connection.finish()
            // Closed over what it has still sent, the client might lose the answer.
            var left = Self.drain
            while left > 0 {
                let rest = try await connection.receive(atMost: 4096, until: deadline)
                left -= rest.isEmpty ? left : rest.count
            }
        } catch {
            // A client that is gone, or too slow, has its connection closed; it is told by that.
            logger.debug("a scrape was cut off", metadata: ["reason": "\(error)"])
        }
        open -= 1
        roomWaiter?.resume()
        roomWaiter = nil
    }

    /// The head of a request; nil if it is too long.
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
            return HTTPResponse.refusal("431 Request Header Fields Too Large").bytes(isHead: false)
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
            return HTTPResponse.refusal(status).bytes(isHead: false)
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
