import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

/// The queries of past states that a service is answering, at most two of each caller at a time.
///
/// They run on a loop of their own, because folding a long history would delay the service's other
/// calls.
actor PastQueries {
    /// How many queries run at a time: those of one caller, and all. Further ones wait.
    private static let (ownLimit, limit) = (2, 8)
    /// How many queries of one caller wait at a time. The service rejects further ones.
    private static let waitingLimit = 16
    /// How long a query may take if its caller does not say how long it waits, in seconds.
    private static let longest: Double = 86_400

    /// A query that its caller may send again.
    private struct Query: Hashable {
        let id: EventID
        let caller: Caller
        let call: String
        let argument: Data
    }

    /// An answer that is being computed, and how many callers wait for it.
    private struct Computation {
        let id: UInt64
        let task: Task<Data, any Error>
        var callers = 1
    }

    private typealias Waiter = (caller: String?, id: EventID, go: AsyncStream<Void>.Continuation)

    private let loop: SocketLoop
    private var answers: [Query: Computation] = [:]
    private var lastID: UInt64 = 0
    /// The number of running queries by caller. Callers without a key count as one.
    private var running: [String?: Int] = [:]
    private var waiting: [Waiter] = []

    /// - Parameter loop: the loop whose thread computes the answers.
    init(on loop: SocketLoop) { self.loop = loop }

    /// Returns the answer that `fold` computes.
    ///
    /// - Parameters:
    ///   - argument: the argument of the call.
    ///   - id: the id of the query. If it is repeated, because no answer came yet, the caller gets
    ///     the answer that is being computed. Nil for a query that is not repeated.
    ///   - timeout: how long the caller waits, in seconds, or nil if it does not say. After that,
    ///     the query stops at its next batch of events.
    /// - Throws: `invalid` for a timeout that is not above 0, `overloaded` if too many queries of
    ///   the caller wait, `unavailable` after the timeout.
    func answer(
        _ call: String, _ argument: Data, id: EventID?, of caller: Caller, within timeout: Double?,
        _ fold: @escaping @Sendable () async throws -> Data
    ) async throws -> Data {
        let query = id.map { Query(id: $0, caller: caller, call: call, argument: argument) }
        if let query, let answer = answers[query] {
            answers[query]?.callers += 1
            return try await value(of: answer.task, for: query)
        }
        let seconds = min(timeout ?? Self.longest, Self.longest)
        try require(seconds > 0, .invalid, "a timeout must be above 0 seconds, not \(seconds)")
        lastID += 1
        let id = lastID
        let answer = Task.detached(executorPreference: loop) {
            try await closing({ await self.forget(query, id) }) {
                try await self.run(fold, for: caller.name, within: .seconds(seconds))
            }
        }
        if let query { answers[query] = Computation(id: id, task: answer) }
        return try await value(of: answer, for: query)
    }

    private func value(
        of answer: Task<Data, any Error>, for query: Query?
    ) async throws -> Data {
        try await withTaskCancellationHandler {
            try await answer.value
        } onCancel: {
            Task { await self.leave(answer, of: query) }
        }
    }

    /// Cancels the answer unless another caller waits for it, such as the same one on a new
    /// connection.
    private func leave(_ answer: Task<Data, any Error>, of query: Query?) {
        if let query, answers[query]?.task == answer {
            answers[query]?.callers -= 1
            guard answers[query]?.callers == 0 else { return }
            // Who asks from now on must not wait for an answer that is cancelled.
            answers[query] = nil
        }
        answer.cancel()
    }

    /// Forgets the answer, unless the query has a later one by now.
    private func forget(_ query: Query?, _ id: UInt64) {
        if let query, answers[query]?.id == id { answers[query] = nil }
    }

    private nonisolated func run(
        _ fold: @escaping @Sendable () async throws -> Data, for caller: String?,
        within timeout: Duration
    ) async throws -> Data {
        try await withThrowingTaskGroup(of: Data.self) { group in
            group.addTask {
                try await self.takePlace(of: caller)
                return try await closing({ await self.leavePlace(of: caller) }) {
                    try await fold()
                }
            }
            group.addTask {
                // Nobody waits for the answer after this time.
                try await Task.sleep(for: timeout)
                throw DaybookError(
                    .unavailable, "the answer takes longer than the \(timeout) that were allowed")
            }
            defer { group.cancelAll() }
            for try await answer in group { return answer }
            throw CancellationError()
        }
    }

    // MARK: Places

    private func hasPlace(for caller: String?) -> Bool {
        running[caller, default: 0] < Self.ownLimit && running.values.reduce(0, +) < Self.limit
    }

    private func takePlace(of caller: String?) async throws {
        if hasPlace(for: caller) {
            running[caller, default: 0] += 1
            return
        }
        guard waiting.count(where: { $0.caller == caller }) < Self.waitingLimit else {
            throw ProtocolError(
                .overloaded,
                "\(Self.waitingLimit) queries of past states of this caller wait; retry later")
        }
        let (stream, go) = AsyncStream<Void>.makeStream()
        let id = EventID.random()
        waiting.append((caller, id, go))
        for await _ in stream { return }
        // Cancelled, perhaps just after the place became free.
        if let index = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: index)
        } else {
            leavePlace(of: caller)
        }
        throw CancellationError()
    }

    private func leavePlace(of caller: String?) {
        running[caller, default: 1] -= 1
        if running[caller] == 0 { running[caller] = nil }
        guard let index = waiting.firstIndex(where: { hasPlace(for: $0.caller) }) else { return }
        let next = waiting.remove(at: index)
        running[next.caller, default: 0] += 1
        next.go.yield()
    }
}
