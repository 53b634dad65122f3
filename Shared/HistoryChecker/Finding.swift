/// What is wrong with a history of calls.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// An acknowledged command has no event in the log.
        case lost
        /// A command has its event more than once.
        case doubled
        /// A command has an event that it does not lead to on the state before it.
        case wrongEvent
        /// An acknowledgement has another position than the event.
        case wrongPosition
        /// The log has the events of two calls in another order than the calls were made in.
        case wrongOrder
        /// A command was answered as rejected, or as nothing to do, and has an event.
        case rejectedAndDone
        /// A rejection, or "nothing to do", that no state during the call leads to.
        case unjustified
        /// A figure that was true at no moment of the call.
        case untrue
        /// An event that no call has led to.
        case unexplained
    }

    public var kind: Kind
    /// The call's place in the history; nil for an event that no call explains.
    public var call: Int?
    public var detail: String

    public var description: String {
        call.map { "call \($0): \(kind): \(detail)" } ?? "\(kind): \(detail)"
    }
}
