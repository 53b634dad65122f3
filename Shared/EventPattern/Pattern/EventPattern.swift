public import EventSourcing

/// Which events: a pattern in EventBridge's pattern language, as docs/event-patterns.md has it.
///
///     let pattern = try EventPattern(
///         #"{"detail-type": ["OrderPlaced"], "detail": {"total": [{"numeric": [">", 100]}]}}"#)
///     if pattern.matches(event) { … }
///
/// Parsed once; a value that is cheap to copy. For many patterns at once there is PatternMatcher.
public struct EventPattern: Sendable {
    /// The text it was made from.
    public let description: String
    /// The alternatives, as in the text.
    let requirements: [[Requirement]]
    private let envelope: Envelope
    private let clauses: [Clause]

    /// Parses `text`.
    /// - Throws: where the text is no pattern or goes beyond the limits, and what would be right.
    public init(_ text: String) throws(EventPatternError) {
        description = text
        var parser = PatternParser(Array(text.utf8))
        requirements = try parser.parse()
        var envelope = Envelope()
        clauses = requirements.map { Clause($0, in: &envelope) }
        self.envelope = envelope
    }

    /// Whether the pattern matches `event`.
    ///
    /// Data that is not JSON by its content type, or that claims to be and is not, has no `detail`.
    /// - Parameter replayName: the replay that delivers the event, if one does.
    public func matches(_ event: RecordedEvent, replayName: String? = nil) -> Bool {
        let fields = envelope.fields(of: event, replayName: replayName)
        let record = event.bytes.span
        for clause in clauses where clause.matches(fields, record) { return true }
        return false
    }

    /// What a pattern and an event may hold at the most.
    public enum Limits {
        /// Bytes of a pattern's text; beyond it, it is refused, as with the next four.
        public static let textBytes = 65_536
        /// Objects and arrays within each other.
        public static let depth = 32
        /// Alternatives that all `$or` of a pattern open together.
        public static let alternatives = 1_000
        /// Fields of all alternatives together.
        public static let fields = 10_000
        /// `*` in one wildcard.
        public static let stars = 32
        /// Objects and arrays within each other in an event's data or metadata; deeper ones count
        /// as malformed.
        public static let eventDepth = 256
        /// Tries to choose elements of an event's arrays for an alternative, after which it counts
        /// as not matching.
        public static let arraySteps = 100_000
    }
}

extension EventPattern: CustomStringConvertible, Hashable, Codable {
    /// By the bytes of their texts: strings that Swift takes for equal may match differently.
    public static func == (a: EventPattern, b: EventPattern) -> Bool {
        a.description.utf8.elementsEqual(b.description.utf8)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// Reads the text of the pattern, a string.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
