public import EventSourcing

/// A call of a client: the request, the answer, and their times.
///
/// Times are ticks of one monotonic clock that all clients of a history share.
public struct Call<Subject: Aggregate>: Sendable {
    /// The request of a call.
    public enum Request: Sendable {
        /// A command. `id` returns the id of the nth event, from 0, that it appends if it takes
        /// effect. A command whose decision depends on the time carries that time.
        case command(Subject.Command, id: @Sendable (Int) -> EventID)
        /// A query about the aggregate with an id. `holds` says whether the answer is right for a
        /// state. Findings show the answer as `figure`.
        case question(about: String, figure: String, holds: @Sendable (Subject.State) -> Bool)
    }

    /// The answer to a call.
    public enum Answer: Hashable, Sendable {
        /// The command's events are in the log, the last of them at `position`. A repeated attempt
        /// gets the same answer.
        case acknowledged(position: UInt64)
        /// The command had nothing to do.
        case nothing
        /// The command was rejected, for this reason.
        case rejected(String)
        /// The query was answered with its figure.
        case answered
        /// No answer came. The command may or may not have taken effect.
        case unknown
    }

    /// The request.
    public var request: Request
    /// The answer, or `unknown`.
    public var answer: Answer
    /// When the call was made.
    public var started: UInt64
    /// When the answer arrived.
    public var ended: UInt64
    /// The position up to which the answer must include the log, as the caller required.
    public var known: UInt64
    /// The log's head when the answer arrived, if the caller read it.
    public var head: UInt64?

    /// Creates a call.
    public init(
        _ request: Request, _ answer: Answer, started: UInt64, ended: UInt64, known: UInt64 = 0,
        head: UInt64? = nil
    ) {
        self.request = request
        self.answer = answer
        self.started = started
        self.ended = ended
        self.known = known
        self.head = head
    }

    var isAcknowledged: Bool {
        if case .acknowledged = answer { true } else { false }
    }
}
