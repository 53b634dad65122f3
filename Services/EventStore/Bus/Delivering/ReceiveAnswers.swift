import EventSourcing

/// A consumer of a queue.
struct ConsumerKey: Hashable, Sendable {
    let queue: Int64
    let consumer: String
}

/// The answer to each consumer's last receive, in case the consumer asks again.
struct ReceiveAnswers {
    private static let kept: Duration = .seconds(60)
    /// How many bytes of answers are kept. Beyond it, the oldest are forgotten.
    private static let bytes = 64 << 20

    private struct Answer {
        let token: EventID
        /// Nil while the answer is in progress.
        var frame: [UInt8]?
        var madeAt: RunningTime
        /// The callers that repeated the receive meanwhile.
        var waiters: [Waiter] = []
    }

    private var answers: [ConsumerKey: Answer] = [:]
    private var bytes = 0

    /// Whether the receive with this token is the consumer's last one.
    func isLast(_ token: EventID, of key: ConsumerKey) -> Bool { answers[key]?.token == token }

    /// Returns the answer to the consumer's last receive. Nil while it is in progress, or if the
    /// last receive has another token.
    func frame(of key: ConsumerKey, _ token: EventID) -> [UInt8]? {
        isLast(token, of: key) ? answers[key]?.frame : nil
    }

    /// Adds a caller that waits for the answer to the consumer's last receive.
    mutating func wait(for key: ConsumerKey, _ waiter: Waiter) {
        answers[key]?.waiters.append(waiter)
    }

    /// Records that a receive is in progress. Returns the callers that waited for the one before:
    /// they get no deliveries.
    mutating func begin(_ key: ConsumerKey, _ token: EventID, at now: RunningTime) -> [Waiter] {
        replace(key, with: Answer(token: token, madeAt: now))
    }

    /// Records the answer to a receive. Returns the callers that repeated it.
    ///
    /// - Parameter frame: the answer; nil if the receive failed. Then the consumer can try again.
    mutating func end(
        _ key: ConsumerKey, _ token: EventID, with frame: [UInt8]?, at now: RunningTime
    ) -> [Waiter] {
        guard isLast(token, of: key) else { return [] }
        let waiters = replace(key, with: frame.map { Answer(token: token, frame: $0, madeAt: now) })
        while bytes > Self.bytes,
            let oldest = answers.filter({ $0.value.frame != nil && $0.key != key })
                .min(by: { $0.value.madeAt < $1.value.madeAt })
        {
            _ = replace(oldest.key, with: nil)
        }
        return waiters
    }

    /// Forgets the consumer's last receive, because the consumer has stopped. Returns the callers
    /// that waited for it.
    mutating func forget(_ key: ConsumerKey) -> [Waiter] { replace(key, with: nil) }

    /// Forgets answers that were made long ago.
    mutating func forgetOld(at now: RunningTime) {
        for (key, answer) in answers where answer.frame != nil && answer.madeAt + Self.kept < now {
            _ = replace(key, with: nil)
        }
    }

    private mutating func replace(_ key: ConsumerKey, with answer: Answer?) -> [Waiter] {
        let waiters = answers[key]?.waiters ?? []
        bytes += (answer?.frame?.count ?? 0) - (answers[key]?.frame?.count ?? 0)
        answers[key] = answer
        return waiters
    }
}
