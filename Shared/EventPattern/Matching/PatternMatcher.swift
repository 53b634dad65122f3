public import EventSourcing

/// Many patterns, matched at once: the same answer as asking each alone, but what an event costs
/// depends on the patterns that may match it rather than on all.
///
///     var matcher = PatternMatcher<String>()
///     matcher.add("large-orders", try EventPattern(text))
///     for rule in matcher.matches(event) { … }
///
/// A value: a copy may be matched against while another is changed.
public struct PatternMatcher<ID: Hashable & Sendable>: Sendable {
    private struct Rule: Sendable {
        var id: ID
        var clauses: [Int32]
    }

    private var clauses = ClauseSet()
    /// By serial number, which rises with each that is added.
    private var rules: [Int: Rule] = [:]
    private var serials: [ID: Int] = [:]
    private var nextSerial = 0

    public init() {}

    /// How many patterns there are.
    public var count: Int { rules.count }

    /// Adds a pattern, which takes the place of one of the same id.
    public mutating func add(_ id: ID, _ pattern: EventPattern) {
        remove(id)
        serials[id] = nextSerial
        rules[nextSerial] = Rule(
            id: id, clauses: pattern.requirements.map { clauses.insert($0, owner: nextSerial) })
        nextSerial += 1
    }

    /// Removes the pattern of this id, if there is one.
    public mutating func remove(_ id: ID) {
        guard let serial = serials.removeValue(forKey: id),
            let rule = rules.removeValue(forKey: serial)
        else { return }
        for clause in rule.clauses { clauses.remove(clause) }
    }

    /// The ids of all patterns that match `event`, in the order in which they were added.
    /// - Parameter replayName: the replay that delivers the event, if one does.
    public func matches(_ event: RecordedEvent, replayName: String? = nil) -> [ID] {
        clauses.owners(matching: event, replayName: replayName).compactMap { rules[$0]?.id }
    }
}
