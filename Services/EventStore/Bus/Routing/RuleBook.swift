import EventPattern
import EventSourcing
import WireProtocol

/// A rule with its compiled pattern.
final class Rule {
    let definition: RuleDefinition
    let pattern: EventPattern
    let changedAt: Timestamp
    let changedBy: String
    /// The number of events matched since the process started.
    var matched: UInt64 = 0

    init(_ row: RuleRow) throws(EventPatternError) {
        definition = row.rule
        pattern = try EventPattern(row.rule.pattern)
        changedAt = row.changedAt
        changedBy = row.changedBy
    }
}

/// All rules. The enabled ones are matched together.
struct RuleBook {
    private(set) var rules: [String: Rule] = [:]
    private var matcher = PatternMatcher<String>()

    mutating func put(_ rule: Rule) {
        let name = rule.definition.name
        rule.matched = rules[name]?.matched ?? 0
        rules[name] = rule
        matcher.remove(name)
        if rule.definition.isEnabled { matcher.add(name, rule.pattern) }
    }

    mutating func remove(_ name: String) {
        rules[name] = nil
        matcher.remove(name)
    }

    /// Returns the matching rules in the order in which they were put.
    func matching(_ event: RecordedEvent, replay: String? = nil) -> [Rule] {
        matcher.matches(event, replayName: replay).compactMap { rules[$0] }
    }

    /// Returns the enabled rules that target the queue.
    func targeting(_ queue: String) -> [Rule] {
        rules.values.filter {
            $0.definition.isEnabled && $0.definition.targets.contains(.queue(queue))
        }
        .sorted { $0.definition.name < $1.definition.name }
    }
}
