import EventSourcing
import Foundation
import Logging
import WireProtocol
import ZeroMQ

/// A service's ROUTER: takes calls, has them answered side by side, and sends the answers.
actor RequestServer {
    /// Answers one call: JSON in, JSON out.
    typealias Handler = @Sendable (Data) async throws -> Data

    /// This many calls are worked on at a time; more wait in the socket, which then pushes back.
    private static let inFlight = 1024

    private let socket: Socket
    private let loop: SocketLoop
    private let service: String
    private let log: EventID
    private let logger: Logger
    private var handlers: [String: Handler] = [:]
    private var running = 0
    private var roomWaiter: CheckedContinuation<Void, Never>?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        service: String, log: EventID, endpoint: String, on loop: SocketLoop, in context: Context,
        logger: Logger
    ) async throws {
        self.service = service
        self.log = log
        self.loop = loop
        self.logger = logger
        // What is longer is no call, and ends its connection before memory is spent on it.
        var options = Socket.Options()
        options.maximumMessageBytes = Int64(Limits.appendBytes)
        socket = try Socket(.router, on: loop, in: context, options: options)
        try socket.bind(endpoint)
    }

    func handle(_ name: String, _ handler: @escaping Handler) { handlers[name] = handler }

    /// Serves until cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                while let message = try socket.receiveMessage() {
                    await waitForRoom()
                    running += 1
                    let request = Request(message)
                    group.addTask {
                        await self.answer(request)
                    }
                }
                _ = try await socket.readable()
            }
        }
    }

    private func waitForRoom() async {
        guard running >= Self.inFlight else { return }
        await withCheckedContinuation { roomWaiter = $0 }
    }

    private func answer(_ request: Request) async {
        let (kind, body) = await reply(to: request)
        running -= 1
        roomWaiter?.resume()
        roomWaiter = nil
        guard let peer = request.peer else { return }
        let header = MessageHeader(kind, requestID: request.header?.requestID ?? 0)
        do {
            guard try socket.send([peer, header.bytes, body]) else {
                logger.warning("a client does not read its answers; one was dropped")
                return
            }
        } catch ZeroMQError.hostUnreachable {
            // Who asked has gone: nobody is left to answer.
        } catch {
            logger.error("an answer could not be sent", metadata: ["reason": "\(error)"])
        }
    }

    private func reply(to request: Request) async -> (MessageKind, [UInt8]) {
        do {
            guard let header = request.header else { throw request.problem }
            switch header.kind {
            case .hello:
                let welcome = Welcome(
                    version: MessageHeader.version, server: service, log: log, head: 0, feed: nil)
                return (.welcome, Array(try JSONCoding.encoder.encode(welcome)))
            case .call:
                guard let handler = handlers[request.name] else {
                    let names = handlers.keys.sorted().joined(separator: ", ")
                    throw ProtocolError(
                        .notFound, "\(service) has no call '\(request.name)'; it has \(names)")
                }
                return (.result, Array(try await handler(Data(request.argument))))
            default:
                throw ProtocolError(
                    .malformed, "\(service) takes hello and call, not \(header.kind)")
            }
        } catch {
            return (.error, ProtocolError(describing: error).bytes)
        }
    }
}

/// A message as it came, taken apart as far as it goes.
private struct Request: Sendable {
    var peer: [UInt8]?
    var header: MessageHeader?
    var name = ""
    var argument: [UInt8] = []
    var problem = ProtocolError(.malformed, "a call has three frames: header, name and argument")

    init(_ frames: [[UInt8]]) {
        peer = frames.first
        guard frames.count >= 2 else { return }
        do {
            let first = frames[1]
            let header = try MessageHeader(first.span)
            guard header.version == MessageHeader.version else {
                throw ProtocolError(
                    .version,
                    "this process speaks protocol version \(MessageHeader.version), "
                        + "not \(header.version)")
            }
            guard header.kind != .call || frames.count == 4 else { throw problem }
            self.header = header
        } catch {
            problem = ProtocolError(describing: error)
        }
        if frames.count > 2 { name = String(decoding: frames[2], as: UTF8.self) }
        if frames.count > 3 { argument = frames[3] }
    }
}
