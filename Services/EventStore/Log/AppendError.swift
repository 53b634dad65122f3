public import EventSourcing

/// Why the log rejected an append. It stored none of the append's events.
public enum AppendError: Error, Hashable, CustomStringConvertible {
    /// The records are malformed or exceed a limit. The text says what is wrong.
    case invalid(String)
    /// A stream's last revision is not the expected one. Nil if the stream does not exist.
    case wrongRevision(StreamName, actual: UInt64?)
    /// The event at the position matches the condition's `noneMatching` query.
    case conditionFailed(position: UInt64)
    /// The log already holds an event with this id and other content.
    case idReused(EventID, position: UInt64)
    /// The log already holds some of the append's events, the first of them under this id. The
    /// others are new.
    case partlyKnown(EventID, position: UInt64, count: Int, of: Int)
    /// The log could not be read or written, or it is closed.
    case log(LogError)

    /// A message of one line that says what is wrong.
    public var description: String {
        switch self {
        case .invalid(let reason): reason
        case .wrongRevision(let stream, let actual?): "stream \(stream) is at revision \(actual)"
        case .wrongRevision(let stream, nil): "stream \(stream) does not exist"
        case .conditionFailed(let position):
            "the event at position \(position) matches the append condition's query"
        case .idReused(let id, let position):
            "the log has event id \(id) at position \(position) with other content"
        case .partlyKnown(let id, let position, let count, let all):
            "the log has \(count) of the append's \(all) events already, among them \(id) at "
                + "position \(position); append only the others"
        case .log(let error): error.description
        }
    }
}
