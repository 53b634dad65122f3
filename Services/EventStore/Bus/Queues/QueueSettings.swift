import EventSourcing
import WireProtocol

/// How a queue delivers, retries and handles dead entries.
struct QueueSettings: Hashable, Sendable {
    /// The limits and delays of redelivery.
    struct Retry: Hashable, Sendable {
        var maximumReceives = 10
        var maximumAge: Duration = .seconds(86_400)
        /// The delay after an entry's first failure. It doubles with each further failure.
        var backoff: Duration = .seconds(1)
        var maximumBackoff: Duration = .seconds(300)

        /// Returns the delay before the next delivery: between half and all of the doubled
        /// back-off. The random part keeps entries that failed together from returning together.
        func delay(afterReceives receives: Int, random: Double) -> Duration {
            // Beyond 30 doublings every back-off is at its maximum, and no duration overflows.
            let doublings = min(max(receives - 1, 0), 30)
            return min(backoff * (1 << doublings), maximumBackoff) * (0.5 + random / 2)
        }
    }

    /// The visibility timeout of a delivery if its receive does not set one.
    var visibilityTimeout: Duration = .seconds(30)
    var retry = Retry()
    /// Whether the entries of a group wait until its dead entries are redriven or discarded.
    var waitsBehindDead = true
    /// Whether a dead entry becomes a dead letter. Otherwise it is dropped, and its group
    /// continues.
    var hasDeadLetters = true
}

extension QueueSettings {
    init(_ definition: QueueDefinition) {
        let retry = definition.retry
        self.init(
            visibilityTimeout: .seconds(definition.visibilityTimeout),
            retry: Retry(
                maximumReceives: retry.maximumReceives, maximumAge: .seconds(retry.maximumAge),
                backoff: .seconds(retry.backoff), maximumBackoff: .seconds(retry.maximumBackoff)),
            waitsBehindDead: definition.afterDeath == .wait,
            hasDeadLetters: definition.hasDeadLetters)
    }
}
