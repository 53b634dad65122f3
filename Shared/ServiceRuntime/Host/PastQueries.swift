import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

/// The queries of past states that a service is answering, at most two of each caller.
///
/// They run on a loop of their own, because folding a long history would delay the service's other
/// calls.
actor PastQueries {
    /// How many queries of one caller run at a time. The service rejects further ones.
    private static let limit = 2
    /// How long a query runs if its caller does not say how long it waits, in seconds.
    private static let longest: Double = 86_400

    private struct Query: Hashable {
        let caller: Caller
        let call: String
        let argument: Data
    }

    private let loop: SocketLoop
    private var running: [Query: (fold: Task<Data, any Error>, timer: Task<Void, any Error>)] = [:]

    /// - Parameter loop: the loop whose thread computes the answers.
    init(on loop: SocketLoop) { self.loop = loop }

    /// Returns the answer that `fold` computes. A caller that repeats a running query, because no
    /// answer came yet, waits for the same answer.
    ///
    /// - Parameters:
    ///   - argument: the argument of the call, which tells its queries apart.
    ///   - timeout: how long the caller waits, in seconds, or nil if it does not say. After that,
    ///     the query is cancelled, and stops at its next batch of events.
    /// - Throws: `overloaded` if two other queries of the caller are running, `rejected` if an
    ///   event can't be read.
    func answer(
        _ call: String, _ argument: Data, of caller: Caller, within timeout: Double?,
        _ fold: @escaping @Sendable () async throws -> Data
    ) async throws -> Data {
        let query = Query(caller: caller, call: call, argument: argument)
        let fold = try running[query]?.fold ?? start(query, within: timeout ?? Self.longest, fold)
        return try await withTaskCancellationHandler {
            try await fold.value
        } onCancel: {
            fold.cancel()
        }
    }

    private func start(
        _ query: Query, within timeout: Double, _ fold: @escaping @Sendable () async throws -> Data
    ) throws -> Task<Data, any Error> {
        guard running.keys.count(where: { $0.caller.name == query.caller.name }) < Self.limit else {
            throw ProtocolError(
                .overloaded,
                "\(Self.limit) queries of past states of this caller are running; retry later")
        }
        let task = Task.detached(executorPreference: loop) {
            try await closing({ await self.end(query) }) {
                do {
                    return try await fold()
                } catch let error as any ClassifiedError where error.kind == .unreadable {
                    // It stays unreadable, so the caller must not take it for a passing failure.
                    throw DaybookError(.rejected, "\(error)")
                }
            }
        }
        let timer = Task.detached {
            // Nobody waits for the answer after this time.
            try await Task.sleep(for: .seconds(min(max(timeout, 0), Self.longest)))
            task.cancel()
        }
        running[query] = (task, timer)
        return task
    }

    private func end(_ query: Query) { running.removeValue(forKey: query)?.timer.cancel() }
}
