package import Foundation
import Observability
package import WireProtocol

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

    /// How many calls of one key run at a time. The server rejects further ones.
    private static let inFlightOfKey = 512
    private static let tooMany = ProtocolError(
        .overloaded, "a key may have \(inFlightOfKey) calls in progress; retry later")

    /// The name under which messages are counted that are not calls or are rejected unread. Names
    /// that clients invent would fill the memory.
    private static let other = "other"

    private let server: String
    private let access: AccessControl
    private var handlers: [String: FramesHandler] = [:]
    /// How many calls are in progress.
    package private(set) var running = 0
    private var runningOfKey: [String: Int] = [:]

    /// Creates a table without calls.
    ///
    /// - Parameter server: the server's name in error messages.
    package init(of server: String, access: AccessControl) {
        self.server = server
        self.access = access
    }

    /// Registers the handler of a call. The handler must check the caller's permissions itself.
    package func handle(_ name: String, _ handler: @escaping Handler) {
        handleFrames(name) {
            let (answer, outcome) = try await handler($0, $1)
            return ([answer], outcome)
        }
    }

    /// Registers the handler of a call whose answer may have several frames. The handler must check
    /// the caller's permissions itself.
    package func handleFrames(_ name: String, _ handler: @escaping FramesHandler) {
        handlers[name] = handler
    }

    /// Removes all handlers. A handler may hold the server, which holds the table: a reference
    /// cycle.
    package func removeAll() { handlers = [:] }

    /// Counts a call as in progress, until ``end(_:)``.
    ///
    /// - Throws: `overloaded` if the caller's key has too many calls in progress.
    package func begin(_ caller: Caller) throws(ProtocolError) {
        guard runningOfKey[caller.name ?? "", default: 0] < Self.inFlightOfKey else {
            ProcessCounters.shared.noteCall(Self.other, "\(Self.tooMany.code)", .zero)
            throw Self.tooMany
        }
        count(1, of: caller)
    }

    /// Counts a call as ended.
    package func end(_ caller: Caller) { count(-1, of: caller) }

    private func count(_ change: Int, of caller: Caller) {
        running += change
        if let name = caller.name { runningOfKey[name, default: 0] += change }
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
