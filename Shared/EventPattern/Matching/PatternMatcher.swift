public import EventSourcing

/// Matches an event against many patterns at once.
///
/// The result is the same as matching each pattern alone. The cost depends on the patterns that may
/// match the event, and not on all patterns.
///
///     var matcher = PatternMatcher<String>()
///     matcher.add("large-orders", try EventPattern(text))
///     for rule in matcher.matches(event) { … }
///
/// It is a value: one copy can be matched while another is changed.
public struct PatternMatcher<ID: Hashable & Sendable>: Sendable {
    private struct Rule: Sendable {
        var id: ID
        var clauses: [Int32]
    }

    private var clauses = ClauseSet()
    /// The rules by serial number, which rises with each rule that is added.
    private var rules: [Int: Rule] = [:]
    private var serials: [ID: Int] = [:]
    private var nextSerial = 0

    /// Creates a matcher without patterns.
    public init() {}

    /// The number of patterns.
    public var count: Int { rules.count }

    /// Adds a pattern. It replaces an earlier one with the same id.
    public mutating func add(_ id: ID, _ pattern: EventPattern) {
        remove(id)
        serials[id] = nextSerial
        rules[nextSerial] = Rule(
            id: id, clauses: pattern.requirements.map { clauses.insert($0, owner: nextSerial) })
        nextSerial += 1
    }

    /// Removes the pattern with this id, if there is one.
    public mutating func remove(_ id: ID) {
        guard let serial = serials.removeValue(forKey: id),
            let rule = rules.removeValue(forKey: serial)
        else { return }
        for clause in rule.clauses { clauses.remove(clause) }
    }

    /// Returns the ids of all patterns that match `event`, in the order in which they were added.
    ///
    /// - Parameter replayName: the replay that delivers the event, or nil.
    public func matches(_ event: RecordedEvent, replayName: String? = nil) -> [ID] {
        clauses.owners(matching: event, replayName: replayName).compactMap { rules[$0]?.id }
    }
}
