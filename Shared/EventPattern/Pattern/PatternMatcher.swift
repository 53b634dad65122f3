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
    private var clauses = ClauseSet()
    /// The serial number of each pattern, which rises with each one that is added, and its clauses.
    private var patterns: [ID: (serial: Int, clauses: [Int32])] = [:]
    private var ids: [Int: ID] = [:]
    private var nextSerial = 0

    /// Creates a matcher without patterns.
    public init() {}

    /// The number of patterns.
    public var count: Int { patterns.count }

    /// Adds a pattern. It replaces an earlier one with the same id.
    public mutating func add(_ id: ID, _ pattern: EventPattern) {
        remove(id)
        ids[nextSerial] = id
        patterns[id] = (
            nextSerial, pattern.requirements.map { clauses.insert($0, owner: nextSerial) }
        )
        nextSerial += 1
    }

    /// Removes the pattern with this id, if there is one.
    public mutating func remove(_ id: ID) {
        guard let pattern = patterns.removeValue(forKey: id) else { return }
        ids[pattern.serial] = nil
        for clause in pattern.clauses { clauses.remove(clause) }
    }

    /// Returns the ids of all patterns that match `event`, in the order in which they were added.
    ///
    /// - Parameter replayName: the replay that delivers the event, or nil.
    public func matches(_ event: RecordedEvent, replayName: String? = nil) -> [ID] {
        guard !ids.isEmpty else { return [] }
        return clauses.owners(matching: event, replayName: replayName).compactMap { ids[$0] }
    }
}
