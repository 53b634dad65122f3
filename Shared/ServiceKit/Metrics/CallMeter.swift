import Metrics

/// Counts calls by what they came to, and how long they took.
struct CallMeter {
    /// What stands for a message that is no call, and for one that is turned down unread.
    static let other = "other"

    private struct Key: Hashable {
        let call: String
        let outcome: String
    }

    private var counts: [Key: UInt64] = [:]
    private var times: [String: Histogram] = [:]

    /// - Parameter call: one that there is: what strangers make up would be kept for ever.
    mutating func note(_ call: String, _ outcome: String, _ duration: Duration) {
        counts[Key(call: call, outcome: outcome), default: 0] += 1
        times[call, default: Histogram()].observe(duration)
    }

    func metrics() -> [Metric] {
        let counts = counts.sorted { ($0.key.call, $0.key.outcome) < ($1.key.call, $1.key.outcome) }
        return [
            .counter(
                "daybook_calls_total", "Commands and queries taken, by what they came to.",
                each: counts.map { key, count in
                    ([.init("call", key.call), .init("outcome", key.outcome)], count)
                }),
            .histogram(
                "daybook_call_seconds", "How long it took to answer commands and queries.",
                each: times.sorted { $0.key < $1.key }.map { ([.init("call", $0)], $1) }),
        ]
    }
}
