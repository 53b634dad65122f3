import Synchronization
import ZeroMQ

/// Counts what every process does: calls by name and outcome, and denied handshakes.
///
/// All servers of a process share the counters.
package final class ProcessCounters: Sendable {
    /// The counters of this process.
    package static let shared = ProcessCounters()

    private struct Call: Sendable {
        var outcomes: [String: UInt64] = [:]
        var durations = Histogram()
    }

    private struct Counts: Sendable {
        var calls: [String: Call] = [:]
        var deniedHandshakes: UInt64 = 0
        var refusedConnections: UInt64 = 0
        var keys: (isKeyringValid: Bool, isKeyValid: Bool)?
        var droppedAnswers: UInt64 = 0
    }

    private let counts = Mutex(Counts())

    /// Counts a call.
    ///
    /// - Parameters:
    ///   - call: the name of the call. Names are never forgotten, so their number must be bounded.
    ///   - outcome: the outcome as one word.
    ///   - duration: the time from the request to its answer.
    package func noteCall(_ call: String, _ outcome: String, _ duration: Duration) {
        counts.withLock {
            $0.calls[call, default: Call()].outcomes[outcome, default: 0] += 1
            $0.calls[call, default: Call()].durations.observe(duration)
        }
    }

    /// Counts a TCP handshake that the authenticator denied.
    package func noteDeniedHandshake() { counts.withLock { $0.deniedHandshakes += 1 } }

    /// Counts a connection that another process refused.
    package func noteRefusedConnection() { counts.withLock { $0.refusedConnections += 1 } }

    /// Sets whether the keyring can be used and whether it has the process's key.
    ///
    /// - Returns: what was set before, or nil if nothing was.
    @discardableResult
    package func setKeys(
        isKeyringValid: Bool, isKeyValid: Bool
    ) -> (isKeyringValid: Bool, isKeyValid: Bool)? {
        counts.withLock { counts in
            defer { counts.keys = (isKeyringValid, isKeyValid) }
            return counts.keys
        }
    }

    /// Counts an answer that was dropped, because its client does not read.
    package func noteDroppedAnswer() { counts.withLock { $0.droppedAnswers += 1 } }

    /// Returns the current metrics, with calls and outcomes in alphabetical order.
    ///
    /// The counters of denials exist from the start, because an alert can't fire on a missing
    /// metric.
    func metrics() -> [Metric] {
        let counts = counts.withLock { $0 }
        let calls = counts.calls.sorted { $0.key < $1.key }
        return [
            .histogram(
                "daybook_call_seconds", "The time to answer a command or query, in seconds.",
                each: calls.map { ([.init("call", $0)], $1.durations) }),
            .counter(
                "daybook_calls_total", "Commands and queries, by outcome.",
                each: calls.flatMap { name, call in
                    call.outcomes.sorted { $0.key < $1.key }.map { outcome, count in
                        ([.init("call", name), .init("outcome", outcome)], count)
                    }
                }),
            .counter(
                "daybook_handshakes_refused_total",
                "Denied TCP handshakes: the key is unknown, revoked or connects too often.",
                counts.deniedHandshakes),
            .counter(
                "daybook_connections_refused_total",
                "Connections that another process refused because of this process's key.",
                counts.refusedConnections),
            .gauge(
                "daybook_keyring_valid",
                "1 if the keyring can be used, 0 while the last valid one stays in use.",
                each: counts.keys.map { [([], $0.isKeyringValid ? 1 : 0)] } ?? []),
            .gauge(
                "daybook_key_valid", "1 if the keyring has the process's own key, otherwise 0.",
                each: counts.keys.map { [([], $0.isKeyValid ? 1 : 0)] } ?? []),
            .counter(
                "daybook_answers_dropped_total",
                "Answers that were dropped, because their clients do not read.",
                counts.droppedAnswers),
            .gauge(
                "daybook_unsent_bytes", "Bytes that wait for clients and subscribers to read them.",
                Double(UnsentBytes.ofProcess.bytes)),
            .counter(
                "daybook_connections_closed_total",
                "Connections that were closed because they exceeded a limit.",
                each: ClosedConnections.Reason.allCases.map {
                    ([.init("reason", $0.rawValue)], ClosedConnections.shared[$0])
                }),
        ]
    }
}
