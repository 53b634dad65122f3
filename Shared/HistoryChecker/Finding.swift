/// A violation in a history of calls.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of violations.
    public enum Kind: Hashable, Sendable {
        /// An acknowledged command has no event in the log.
        case lost
        /// A command has its event more than once.
        case doubled
        /// A command has an event that the domain does not decide on the state before it.
        case wrongEvent
        /// An acknowledgement names a position that is not its event's.
        case wrongPosition
        /// The log has the events of two calls in the wrong order: one call ended before the other
        /// began.
        case wrongOrder
        /// A command was answered with a rejection or "nothing to do", but has an event.
        case rejectedAndDone
        /// A command was rejected or had nothing to do, but no state during the call justifies that
        /// answer.
        case unjustified
        /// A query was answered with a figure that was never true during the call.
        case untrue
        /// An event belongs to no call.
        case unexplained
    }

    /// The kind of the violation.
    public var kind: Kind
    /// The index of the call in the history, or nil for an event that belongs to no call.
    public var call: Int?
    /// The evidence, in one line.
    public var detail: String

    /// The violation in one line.
    public var description: String {
        call.map { "call \($0): \(kind): \(detail)" } ?? "\(kind): \(detail)"
    }
}
