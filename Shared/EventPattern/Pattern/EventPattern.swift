public import EventSourcing

/// A pattern in EventBridge's pattern language, which selects events (docs/event-patterns.md).
///
///     let pattern = try EventPattern(
///         #"{"detail-type": ["OrderPlaced"], "detail": {"total": [{"numeric": [">", 100]}]}}"#)
///     if pattern.matches(event) { … }
///
/// It is parsed once and cheap to copy. Use PatternMatcher for many patterns at once.
public struct EventPattern: Sendable {
    /// The pattern's text.
    public let description: String
    /// The alternatives, as in the text.
    let requirements: [[Requirement]]
    private let envelope: Envelope
    private let clauses: [Clause]

    /// Parses `text`.
    ///
    /// - Throws: an error with the place and a correction, if the text is not a pattern or exceeds
    ///   the limits.
    public init(_ text: String) throws(EventPatternError) {
        description = text
        var parser = PatternParser(Array(text.utf8))
        do {
            requirements = try parser.parse()
        } catch {
            throw EventPatternError(error, in: parser.text, path: parser.path)
        }
        var envelope = Envelope()
        clauses = requirements.map { Clause($0, in: &envelope) }
        self.envelope = envelope
    }

    /// Returns whether the pattern matches `event`.
    ///
    /// Data that is not JSON, by its content type or in fact, has no `detail`.
    ///
    /// - Parameter replayName: the replay that delivers the event, or nil.
    public func matches(_ event: RecordedEvent, replayName: String? = nil) -> Bool {
        let fields = envelope.fields(of: event, replayName: replayName)
        let record = event.bytes.span
        return clauses.contains { $0.matches(fields, record) }
    }
}

extension EventPattern: CustomStringConvertible, Hashable, Codable {
    /// Compares the bytes of the texts.
    ///
    /// Strings that Swift considers equal may match different events.
    public static func == (a: EventPattern, b: EventPattern) -> Bool {
        a.description.utf8.elementsEqual(b.description.utf8)
    }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }

    /// Reads a pattern from its text.
    ///
    /// - Throws: `EventPatternError` if it is not a pattern.
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
