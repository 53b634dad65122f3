import EventPattern
import EventSourcing
import ServiceRuntime
import WireProtocol

/// A rule with its compiled pattern.
struct Rule {
    let row: RuleRow
    let pattern: EventPattern
    /// The number of events matched since the process started.
    fileprivate(set) var matched: UInt64 = 0

    init(_ row: RuleRow) throws(EventPatternError) {
        self.row = row
        pattern = try EventPattern(row.rule.pattern)
    }

    var name: String { row.rule.name }
}

/// A queue that gets an event, and the rule that sends it there. The rule is empty for a replay
/// straight to the queue.
struct Route: Hashable, Sendable {
    let queue: String
    let rule: String
}

/// Knows the rules, finds the queues of each event, and how far the log is routed.
struct Router {
    private var rules: [String: Rule] = [:]
    /// The enabled rules, which are matched together.
    private var matcher = PatternMatcher<String>()
    private var gate: PositionGate<Waiter>
    /// Whether the router must wait while a queue is filled up to its position.
    private(set) var isPaused = false
    private var pausedWaiters: [Waiter] = []

    init(after position: UInt64) { gate = PositionGate(at: position) }

    // MARK: Rules

    mutating func put(_ row: RuleRow) throws(EventPatternError) {
        var rule = try Rule(row)
        rule.matched = rules[rule.name]?.matched ?? 0
        matcher.remove(rule.name)
        if row.rule.isEnabled { matcher.add(rule.name, rule.pattern) }
        rules[rule.name] = rule
    }

    mutating func remove(rule name: String) {
        rules[name] = nil
        matcher.remove(name)
    }

    var definitions: [RuleDefinition] { rules.values.map(\.row.rule) }

    var views: [RuleView] {
        rules.values.map { rule in
            RuleView(
                rule: rule.row.rule, isManaged: false, matched: rule.matched,
                changedAt: rule.row.changedAt, changedBy: rule.row.changedBy)
        }
    }

    /// Returns the enabled rules that target the queue, by name.
    func rules(targeting queue: String) -> [Rule] {
        rules.values
            .filter { $0.row.rule.isEnabled && $0.row.rule.targets.contains(.queue(queue)) }
            .sorted { $0.name < $1.name }
    }

    // MARK: Events

    /// Returns the queues that get the event, each once even if several rules name it.
    mutating func route(_ event: RecordedEvent) -> [Route] {
        var routes: [Route] = []
        // In the order in which the rules were put.
        for name in matcher.matches(event, replayName: nil) {
            guard let index = rules.index(forKey: name) else { continue }
            rules.values[index].matched += 1
            rules.values[index].addRoutes(to: &routes)
        }
        return routes
    }

    /// Returns the queues that get the event in a replay.
    ///
    /// - Parameter pattern: the replay's own pattern, compiled.
    /// - Throws: `notFound` if one of the replay's rules no longer exists.
    func route(
        _ event: RecordedEvent, in replay: ReplayDefinition, matching pattern: EventPattern?
    ) throws -> [Route] {
        guard !event.isOfStore, !event.isSkipped,
            pattern?.matches(event, replayName: replay.name) ?? true
        else { return [] }
        if let queue = replay.queue { return [Route(queue: queue, rule: "")] }
        var routes: [Route] = []
        for name in replay.rules {
            guard let rule = rules[name] else {
                throw ProtocolError(.notFound, "rule '\(name)' no longer exists")
            }
            guard rule.pattern.matches(event, replayName: replay.name) else { continue }
            rule.addRoutes(to: &routes)
        }
        return routes
    }

    // MARK: Position

    /// The position up to which events are routed in memory.
    var position: UInt64 { gate.position }

    /// Records that the events up to `position` are routed. Returns the callers that waited for it.
    mutating func advance(to position: UInt64) -> [Waiter] { gate.advance(to: position) }

    /// Adds a caller that waits until the log is routed up to `position`.
    mutating func wait(for position: UInt64, _ waiter: Waiter) { gate.add(waiter, for: position) }

    /// Removes a caller that waits no longer.
    mutating func forget(_ waiter: Waiter) { _ = gate.remove { $0 == waiter } }

    /// Makes the router wait before its next batch.
    mutating func pause() { isPaused = true }

    mutating func waitForResume(_ waiter: Waiter) { pausedWaiters.append(waiter) }

    /// Ends the pause. Returns the callers that waited for that.
    mutating func resume() -> [Waiter] {
        isPaused = false
        defer { pausedWaiters = [] }
        return pausedWaiters
    }
}

extension Rule {
    fileprivate func addRoutes(to routes: inout [Route]) {
        for target in row.rule.targets {
            guard case .queue(let queue) = target, !routes.contains(where: { $0.queue == queue })
            else { continue }
            routes.append(Route(queue: queue, rule: name))
        }
    }
}
