public import EventSourcing

/// A call that a client made: what it asked, when, and what it was answered.
///
/// Times are ticks of one monotonic clock that all clients of a history share.
public struct Call<Subject: Aggregate>: Sendable {
    public enum Request: Sendable {
        /// A command. `id` gives the ids of the events that it appends when it takes effect. A
        /// command whose decision depends on the time carries that time.
        case command(Subject.Command, id: @Sendable (Int) -> EventID)
        /// A question about the aggregate of an id. The answer, shown as `figure` in findings, is
        /// true of a state if `holds` says so.
        case question(about: String, figure: String, holds: @Sendable (Subject.State) -> Bool)
    }

    public enum Answer: Hashable, Sendable {
        /// The command's events are in the log, the last of them at `position`; also of an
        /// attempt that found them there.
        case acknowledged(position: UInt64)
        /// The command had nothing to do.
        case nothing
        case rejected(String)
        /// The question was answered with its figure.
        case answered
        /// No answer came: a command may or may not have taken effect.
        case unknown
    }

    public var request: Request
    public var answer: Answer
    /// When the call was made.
    public var started: UInt64
    /// When the answer was there.
    public var ended: UInt64
    /// The caller knew when it made the call that the log had events up to here, and required the
    /// answer to know them.
    public var known: UInt64
    /// The log's head when the answer was there, if the caller looked.
    public var head: UInt64?

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
