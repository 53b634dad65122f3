import CoreMetrics
import Observability

/// Counts calls by what they came to, and how long they took.
struct CallMeter {
    /// What stands for a message that is no call, and for one that is turned down unread.
    static let other = "other"

    private struct Key: Hashable {
        let call: String
        let outcome: String
    }

    /// Kept here: each look-up in the registry would take its lock.
    private var counters: [Key: Counter] = [:]
    private var timers: [String: Timer] = [:]

    /// - Parameter call: one that there is: what strangers make up would be kept for ever.
    mutating func note(_ call: String, _ outcome: String, _ duration: Duration) {
        let key = Key(call: call, outcome: outcome)
        let counter =
            counters[key]
            ?? Counter(
                label: "daybook_calls", dimensions: [("call", call), ("outcome", outcome)],
                factory: Registry.ofProcess)
        let timer =
            timers[call]
            ?? Timer(
                label: "daybook_call", dimensions: [("call", call)], factory: Registry.ofProcess)
        (counters[key], timers[call]) = (counter, timer)
        counter.increment()
        timer.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    }
}
