import CoreMetrics
import Observability

/// Counts calls by outcome, and measures how long they take.
struct CallMeter {
    /// The name under which messages are counted that are not calls or are rejected unread.
    static let other = "other"

    private struct Key: Hashable {
        let call: String
        let outcome: String
    }

    // The instruments are cached, because each look-up in the registry takes its lock.
    private var counters: [Key: Counter] = [:]
    private var timers: [String: Timer] = [:]

    /// Counts a call.
    ///
    /// - Parameter call: the name of an existing call, or ``other``. Instruments are never removed,
    ///   so names that clients invent would fill the memory.
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
