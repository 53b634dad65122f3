/// A rule: it sends events that match its pattern to each of its targets.
public struct RuleDefinition: Codable, Hashable, Sendable {
    /// The rule's name: 1 to 64 letters, digits and `. - _`.
    public var name: String
    /// The purpose of the rule, for people: up to 512 bytes.
    public var description: String
    /// The event pattern, JSON (docs/event-patterns.md).
    public var pattern: String
    /// The targets, 1 to 10 queues. A rule in the log may also have targets of later versions.
    public var targets: [RuleTarget]
    /// Whether the rule matches events.
    public var isEnabled: Bool

    /// The largest number of targets.
    public static let maximumTargets = 10

    /// Creates the definition of a rule.
    public init(
        name: String, description: String = "", pattern: String, targets: [RuleTarget],
        isEnabled: Bool = true
    ) {
        self.name = name
        self.description = description
        self.pattern = pattern
        self.targets = targets
        self.isEnabled = isEnabled
    }

    /// Why the definition is invalid, in one line, or nil. It does not check the pattern.
    public var fault: String? { fault(acceptsUnknownTargets: false) }

    /// Returns why the definition is invalid as an event in the log, or nil. A later version may
    /// have written it, with targets that this version does not know.
    var faultInLog: String? { fault(acceptsUnknownTargets: true) }

    private func fault(acceptsUnknownTargets: Bool) -> String? {
        if let fault = BusName.fault(name, of: "rule") { return fault }
        guard (1...Self.maximumTargets).contains(targets.count) else {
            return "a rule has 1 to \(Self.maximumTargets) targets, not \(targets.count)"
        }
        guard Set(targets).count == targets.count else {
            return "rule '\(name)' names a target twice"
        }
        guard description.utf8.count <= 512 else { return "a description has up to 512 bytes" }
        for target in targets {
            if case .unknown = target, acceptsUnknownTargets { continue }
            if let fault = BusName.fault(target.description, of: "queue") { return fault }
        }
        return nil
    }
}
