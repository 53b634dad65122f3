import EventSourcing
import WireProtocol
import ZeroMQ

/// Sends concurrent appends in one message.
///
/// The store makes or rejects each of them on its own, but both sides pay for only one message.
actor AppendQueue: LoopActor {
    /// The largest size of the appends in one message, in bytes. A larger append travels alone.
    private static let bytes = 256 << 10

    private struct Waiting {
        let id: UInt64
        let part: AppendPart
        let timeout: Duration
    }

    private let connection: RequestClient
    let loop: SocketLoop
    private var waiting: [Waiting] = []
    private var callers: [UInt64: CheckedContinuation<Appended, any Error>] = [:]
    private var lastID: UInt64 = 0

    init(_ connection: RequestClient) {
        self.connection = connection
        loop = connection.loop
    }

    func append(_ part: AppendPart, timeout: Duration) async throws -> Appended {
        guard part.byteCount <= Self.bytes else { return try await send(part, timeout) }
        try Task.checkCancellation()
        lastID += 1
        let id = lastID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                callers[id] = continuation
                waiting.append(Waiting(id: id, part: part, timeout: timeout))
                // The task runs after all appends that are ready now, and sends them together.
                if waiting.count == 1 {
                    Task(executorPreference: loop) { await self.sendWaiting() }
                }
            }
        } onCancel: {
            Task(executorPreference: loop) {
                await self.resume(id, .failure(CancellationError()))
            }
        }
    }

    private func sendWaiting() async {
        let all = waiting
        waiting = []
        await withDiscardingTaskGroup { group in
            var rest = all[...]
            while let first = rest.first {
                var size = 0
                let together = rest.prefix(AppendPart.limit).prefix { next in
                    size += next.part.byteCount
                    return next.timeout == first.timeout && size <= Self.bytes
                }
                rest = rest.dropFirst(together.count)
                group.addTask(executorPreference: loop) {
                    await self.send(Array(together))
                }
            }
        }
    }

    private func send(_ together: [Waiting]) async {
        do {
            if together.count == 1 {
                let appended = try await send(together[0].part, together[0].timeout)
                return resume(together[0].id, .success(appended))
            }
            let frame = AppendPart.frame(together.lazy.map(\.part))
            let answer = try await connection.request(.appendMany, within: together[0].timeout) {
                _ in [frame]
            }
            let body = answer.body.first ?? []
            let outcomes = try AppendOutcomes.read(body.span)
            guard answer.header.kind == .appendedMany, outcomes.count == together.count else {
                throw ProtocolError(
                    .malformed, "\(together.count) appends have \(outcomes.count) answers")
            }
            for (one, outcome) in zip(together, outcomes) {
                resume(one.id, outcome.mapError { $0 })
            }
        } catch {
            for one in together { resume(one.id, .failure(error)) }
        }
    }

    /// Sends one append in a message of its own.
    private func send(_ part: AppendPart, _ timeout: Duration) async throws -> Appended {
        let answer = try await connection.request(.append, within: timeout) { _ in
            [part.condition, part.records]
        }
        guard answer.header.kind == .appended, let body = answer.body.first else {
            throw ProtocolError(.malformed, "the answer to an append is a \(answer.header.kind)")
        }
        return try Appended(body.span)
    }

    private func resume(_ id: UInt64, _ outcome: Result<Appended, any Error>) {
        callers.removeValue(forKey: id)?.resume(with: outcome)
    }
}
