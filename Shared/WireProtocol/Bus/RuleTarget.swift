/// Where a rule sends the events that it matches.
///
/// As text: the name of a queue, or `<kind>:<name>` for anything else.
///
/// To add a kind, also change the code that expects queues: `RuleDefinition.fault` and the bus's
/// `Definitions.decide`, `Wiring.check(against:)`, `Rule.addRoutes(to:)` in Router.swift, and
/// `Bus.put(_:)` for a `RuleRow`, which logs every other target as unknown.
public enum RuleTarget: Hashable, Sendable, CustomStringConvertible {
    /// The queue with this name.
    case queue(String)
    /// The archive with this name. Only the rule that the bus keeps for the archive targets it.
    case archive(String)
    /// A target of a kind that this version does not know, as text. It gets no events.
    case unknown(String)

    /// Parses the text of a target.
    public init(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 {
            self = .queue(text)
        } else if parts[0] == "archive" {
            self = .archive(String(parts[1]))
        } else {
            self = .unknown(text)
        }
    }

    /// The target as text.
    public var description: String {
        switch self {
        case .queue(let name): name
        case .archive(let name): "archive:\(name)"
        case .unknown(let text): text
        }
    }

    /// The name of the queue, or nil for another kind of target.
    public var queue: String? {
        if case .queue(let name) = self { name } else { nil }
    }
}

extension RuleTarget: ExpressibleByStringInterpolation {
    /// Creates the target that the text stands for.
    public init(stringLiteral text: String) { self.init(text) }
}

extension RuleTarget: Codable {
    /// Reads the target from its text.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the target as text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
