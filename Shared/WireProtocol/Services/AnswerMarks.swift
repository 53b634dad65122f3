/// What the reader of a query's answer should know about the events behind it.
///
/// A service sends the marks as a second frame of its result, as JSON, to a caller that asks for
/// them. Without marks, the result has one frame.
public struct AnswerMarks: Codable, Hashable, Sendable {
    /// How many events can't be read and name no entity, so that any answer may lack them. Nil for
    /// none.
    public var degraded: Int?
    /// How many events behind the answer are read with other data than was appended, or skipped.
    /// Nil for none.
    public var amended: Int?

    /// Creates the marks. Returns nil if there is nothing to mark.
    public init?(degraded: Int, amended: Int) {
        guard degraded > 0 || amended > 0 else { return nil }
        self.degraded = degraded > 0 ? degraded : nil
        self.amended = amended > 0 ? amended : nil
    }

    /// Returns the marks for people, one line each.
    ///
    /// - Parameter service: the name of the service that answers.
    public func lines(of service: String) -> [String] {
        var lines: [String] = []
        if let degraded {
            lines.append(
                "degraded: the answer may lack events that can't be read and name no entity: "
                    + "\(degraded); '\(service) status' names them")
        }
        if let amended { lines.append("amended events behind this answer: \(amended)") }
        return lines
    }
}

/// The answer to a query, with its marks.
public struct Marked<Answer> {
    /// The answer.
    public var answer: Answer
    /// What its reader should know, or nil if there is nothing.
    public var marks: AnswerMarks?

    /// Creates an answer with marks.
    public init(_ answer: Answer, _ marks: AnswerMarks?) {
        self.answer = answer
        self.marks = marks
    }
}

extension Marked: Sendable where Answer: Sendable {}
