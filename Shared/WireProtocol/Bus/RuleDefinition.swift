/// A rule: events that match the pattern go to each of the targets.
public struct RuleDefinition: Codable, Hashable, Sendable {
    /// 1 to 64 letters, digits and `. - _`.
    public var name: String
    public var description: String
    /// An event pattern, JSON (docs/event-patterns.md).
    public var pattern: String
    /// The names of 1 to 10 queues.
    public var targets: [String]
    public var isEnabled: Bool

    public static let maximumTargets = 10

    public init(
        name: String, description: String = "", pattern: String, targets: [String],
        isEnabled: Bool = true
    ) {
        self.name = name
        self.description = description
        self.pattern = pattern
        self.targets = targets
        self.isEnabled = isEnabled
    }

    /// What is wrong with it beside its pattern, in one line; nil if nothing is.
    public var fault: String? {
        if let fault = BusName.fault(name, of: "rule") { return fault }
        guard (1...Self.maximumTargets).contains(targets.count) else {
            return "a rule has 1 to \(Self.maximumTargets) targets, not \(targets.count)"
        }
        guard Set(targets).count == targets.count else {
            return "rule '\(name)' names a target twice"
        }
        guard description.utf8.count <= 512 else { return "a description has up to 512 bytes" }
        return targets.lazy.compactMap { BusName.fault($0, of: "queue") }.first
    }
}
