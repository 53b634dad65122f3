import AuditDomain
import EventSourcing
import JSON
import WireProtocol

/// Derives the commands that repair findings from the queues, dead letters and replays in the log.
struct Remedies {
    private struct Queue {
        var isPaused = false
        /// The position of the last purge, or 0.
        var purgedAt: UInt64 = 0
    }

    private var queues: [String: Queue] = [:]
    /// The dead letters that were neither redriven nor discarded, by id.
    private var deadLetters: [UInt64: DeadLetter] = [:]
    private var replays: Set<String> = []

    /// Takes in the next record of the log. An invalid bus event has no effect.
    mutating func record(_ record: RecordedEvent) {
        guard record.category.hasPrefix("$"), let type = BusEventType(rawValue: record.type) else {
            return
        }
        let name = record.stream.id
        switch (record.category, type) {
        case (BusCategory.queue, .queuePut): queues[name] = queues[name] ?? Queue()
        case (BusCategory.queue, .queuePaused): queues[name]?.isPaused = true
        case (BusCategory.queue, .queueResumed): queues[name]?.isPaused = false
        case (BusCategory.queue, .queuePurged): queues[name]?.purgedAt = record.position
        case (BusCategory.queue, .queueDeleted): queues[name] = nil
        case (BusCategory.deadLetter, .deadLettered):
            // An event with invalid data is not a dead letter.
            deadLetters[record.position] = try? JSON.decode(DeadLetter.self, from: record.data)
        case (BusCategory.deadLetter, .deadLetterRedriven),
            (BusCategory.deadLetter, .deadLetterDiscarded):
            let closure = try? JSON.decode(DeadLetterClosure.self, from: record.data)
            if let closure { deadLetters[closure.deadLetter] = nil }
        case (BusCategory.replay, _): replays.insert(name)
        default: break
        }
    }

    /// Returns the commands that make the participant act on the event, in the order to run them.
    func commands(for trigger: Trigger) -> [String] {
        let queue = queues[trigger.queue]
        var commands = queue == nil ? [Self.applyRules] : []
        if queue?.isPaused == true { commands.append(Self.resume(trigger.queue)) }
        let letters = deadLetters.filter { $1.queue == trigger.queue }.sorted { $0.key < $1.key }
        if let dead = letters.first(where: { $0.value.position == trigger.position }) {
            return commands + [Self.redrive([dead.key])]
        }
        // The event waits behind a dead letter of its group.
        let blocking = letters.filter {
            $0.value.group == trigger.group && $0.value.position < trigger.position
        }
        if !blocking.isEmpty { commands.append(Self.redrive(blocking.map(\.key))) }
        let isPurged = (queue?.purgedAt ?? 0) > trigger.position
        guard isPurged || commands.isEmpty else { return commands }
        return commands + [replay(of: trigger)]
    }

    private func replay(of trigger: Trigger) -> String {
        // Stream names hold no character that JSON or the shell treats specially.
        let pattern = #"{"stream":["\#(trigger.stream)"],"position":[\#(trigger.position)]}"#
        return "event-store replays start \(name(for: trigger)) --from-log "
            + "--pattern '\(pattern)' --to-queue \(trigger.queue) --wait"
    }

    /// Returns a name for a replay that no replay in the log has.
    private func name(for trigger: Trigger) -> String {
        let name = "audit-\(trigger.queue)-\(trigger.position)"
        var attempt = 1
        while replays.contains(attempt == 1 ? name : "\(name)-\(attempt)") { attempt += 1 }
        return attempt == 1 ? name : "\(name)-\(attempt)"
    }

    static func resume(_ queue: String) -> String { "event-store queues resume \(queue)" }

    static let applyRules = "event-store rules apply Services/rules.json"

    static func redrive(_ ids: [UInt64]) -> String {
        "event-store dlq redrive \(ids.map(String.init).joined(separator: " "))"
    }
}
