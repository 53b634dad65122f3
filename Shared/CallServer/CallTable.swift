package import Foundation
import Observability
package import WireProtocol
import ZeroMQ

/// The calls that a server answers, by name. The table limits, runs and meters them.
///
/// It belongs to the actor that has the server's socket.
package final class CallTable {
    /// Returns the answer to a call, and its outcome as one word for the metrics.
    package typealias Handler =
        @Sendable (Data, Caller) async throws -> (answer: Data, outcome: String)
    /// Returns the frames of the answer to a call, and its outcome.
    package typealias FramesHandler =
        @Sendable (Data, Caller) async throws -> (frames: [Data], outcome: String)

    /// How many calls of one client run at a time. The server rejects further ones.
    private static let inFlightOfClient = 512
    /// How many bytes the calls of one client may have that run at a time. One call may have more,
    /// unless those of all clients have twice as much as they may.
    private static let bytesOfClient = 16 << 20
    /// How many calls of all clients run at a time, of how many bytes, and how much of it each
    /// client may have beyond that. Up to twice as many calls, a client may also have an equal
    /// share of `inFlight`.
    private static let (inFlight, bytesInFlight) = (2048, 64 << 20)
    private static let (always, bytesAlways) = (8, 64 << 10)

    /// The name under which messages are counted that are not calls or are rejected unread. Names
    /// that clients invent would fill the memory.
    private static let other = "other"

    private let server: String
    private let access: AccessControl
    private var handlers: [String: FramesHandler] = [:]
    private var leavable: Set<String> = []
    /// How many calls are in progress.
    package private(set) var running = 0
    private var bytes = 0
    private var runningOfClient: [CallerLane: (calls: Int, bytes: Int)] = [:]

    /// Creates a table without calls.
    ///
    /// - Parameter server: the server's name in error messages.
    package init(of server: String, access: AccessControl) {
        self.server = server
        self.access = access
    }

    /// Registers the handler of a call. The handler must check the caller's permissions itself.
    ///
    /// - Parameter endsWithCaller: whether the call may be cancelled when its caller disconnects.
    package func handle(
        _ name: String, endsWithCaller: Bool = false, _ handler: @escaping Handler
    ) {
        handleFrames(name, endsWithCaller: endsWithCaller) {
            let (answer, outcome) = try await handler($0, $1)
            return ([answer], outcome)
        }
    }

    /// Registers the handler of a call whose answer may have several frames.
    package func handleFrames(
        _ name: String, endsWithCaller: Bool = false, _ handler: @escaping FramesHandler
    ) {
        handlers[name] = handler
        if endsWithCaller { leavable.insert(name) }
    }

    /// Whether the call with this name may be cancelled when its caller disconnects.
    func endsWithCaller(_ name: [UInt8]?) -> Bool {
        name.map { leavable.contains(String(decoding: $0, as: UTF8.self)) } ?? false
    }

    /// Removes all handlers. A handler may hold the server, which holds the table: a reference
    /// cycle.
    package func removeAll() { handlers = [:] }

    /// Counts a call as in progress, until ``end(_:bytes:)``.
    ///
    /// - Parameters:
    ///   - client: a key, or a connection without one.
    ///   - bytes: the size of the call.
    /// - Throws: `overloaded` if the client has too many calls in progress.
    package func begin(_ client: CallerLane, bytes: Int = 0) throws(ProtocolError) {
        let own = runningOfClient[client] ?? (0, 0)
        let limit = limit(of: own.calls)
        let most = self.bytes + bytes <= Self.bytesInFlight ? Self.bytesOfClient : Self.bytesAlways
        let hasRoom = own.calls == 0 && self.bytes + bytes <= 2 * Self.bytesInFlight
        guard own.calls < limit, hasRoom || own.bytes + bytes <= most else {
            let error = ProtocolError(
                .overloaded,
                own.calls < limit
                    ? "a client may have \(most) bytes of calls in progress now; retry later"
                    : "a client may have \(limit) calls in progress now; retry later")
            ProcessCounters.shared.noteCall(Self.other, "\(error.code)", .zero)
            throw error
        }
        running += 1
        self.bytes += bytes
        runningOfClient[client] = (own.calls + 1, own.bytes + bytes)
    }

    /// How many calls a client may have that has `own` in progress.
    private func limit(of own: Int) -> Int {
        let part = Self.inFlight / (runningOfClient.count + (own == 0 ? 1 : 0))
        return switch running {
        case ..<Self.inFlight: Self.inFlightOfClient
        case ..<(2 * Self.inFlight): min(Self.inFlightOfClient, max(part, Self.always))
        default: Self.always
        }
    }

    /// Counts a call as ended.
    package func end(_ client: CallerLane, bytes: Int = 0) {
        guard let own = runningOfClient[client] else { return }
        running -= 1
        self.bytes -= bytes
        runningOfClient[client] = own.calls == 1 ? nil : (own.calls - 1, own.bytes - bytes)
    }

    /// Returns the frames of the handler's answer.
    ///
    /// - Throws: the error to answer, which has been noted.
    package func answer(
        _ name: [UInt8], _ argument: [UInt8], to caller: Caller
    ) async throws(ProtocolError) -> [[UInt8]] {
        let start = ContinuousClock.now
        let name = String(decoding: name, as: UTF8.self)
        guard let handler = handlers[name] else {
            throw note(unknown(name), of: caller, since: start)
        }
        do {
            let (frames, outcome) = try await handler(Data(argument), caller)
            ProcessCounters.shared.noteCall(name, outcome, .now - start)
            return frames.map(Array.init)
        } catch {
            throw note(error, in: name, of: caller, since: start)
        }
    }

    /// Meters a failure, and logs it if the caller was denied something.
    ///
    /// - Parameter call: the name of an existing call, or nil for any other message.
    /// - Returns: the error to answer.
    func note(
        _ error: any Error, in call: String? = nil, of caller: Caller,
        since start: ContinuousClock.Instant
    ) -> ProtocolError {
        let problem = ProtocolError(describing: error)
        ProcessCounters.shared.noteCall(call ?? Self.other, "\(problem.code)", .now - start)
        access.note(problem, of: caller)
        return problem
    }

    private func unknown(_ call: String) -> ProtocolError {
        let names = handlers.keys.sorted().joined(separator: ", ")
        return ProtocolError(.notFound, "\(server) has no call '\(call)'; it has \(names)")
    }
}
