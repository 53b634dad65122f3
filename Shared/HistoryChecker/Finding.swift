/// What is wrong with a history of calls.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
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
        /// A rejection, or "nothing to do", that no state during the call justifies.
        case unjustified
        /// A figure that was true at no moment of the call.
        case untrue
        /// An event that belongs to no call.
        case unexplained
    }

    public var kind: Kind
    /// The index of the call in the history; nil for an event that belongs to no call.
    public var call: Int?
    public var detail: String

    public var description: String {
        call.map { "call \($0): \(kind): \(detail)" } ?? "\(kind): \(detail)"
    }
}
