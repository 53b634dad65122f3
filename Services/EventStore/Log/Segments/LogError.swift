public import EventSourcing

/// Why a log could not be opened, read or written.
public enum LogError: ClassifiedError, Hashable {
    /// A file operation failed: which one, as an infinitive such as `read`, on which file or
    /// folder, and the reason that the system gives.
    case storage(_ operation: String, _ name: String, reason: String)
    /// Another process has locked the folder.
    case locked(String)
    /// The segment has a format version that this program does not know.
    case unknownVersion(segment: String, UInt32)
    /// The bytes that should hold the event at `position` are invalid. The position is 0 if the
    /// bytes hold no event.
    case damaged(segment: String, offset: Int, position: UInt64, String)
    /// No file holds the events at the positions.
    case missing(ClosedRange<UInt64>, before: String)
    /// The last segment is missing. It held the events from the position on, if there were any.
    case missingEnd(segment: String, from: UInt64)
    /// The index or chain file of a segment is invalid at the offset, in bytes.
    case damagedIndex(String, offset: Int)
    /// The log was closed and accepts no more writes.
    case closed

    public var kind: DaybookError.Kind {
        switch self {
        case .locked: .unavailable
        case .storage: .storage
        case .unknownVersion, .damaged, .missing, .missingEnd, .damagedIndex: .damaged
        case .closed: .internal
        }
    }

    /// A message of one line that says what is wrong and what to do.
    public var description: String {
        switch self {
        case .storage(let operation, let name, let reason):
            "can't \(operation) \(name): \(reason)"
        case .locked(let folder):
            "can't lock \(folder): another process writes to this log; stop it first"
        case .unknownVersion(let segment, let version):
            "\(segment) has format version \(version); this program is too old "
                + "to read it"
        case .damaged(let segment, let offset, 0, let reason):
            "\(segment) is damaged at byte \(offset): \(reason)"
        case .damaged(let segment, let offset, let position, let reason):
            "\(segment) is damaged at byte \(offset), which should hold position \(position): "
                + reason
        case .missing(let positions, let segment):
            "no segment before \(segment) holds \(positions.positionText)"
        case .missingEnd(let segment, let position):
            "\(segment) is missing, and with it the events from position \(position) on; "
                + "put the file back, or restore the log from an archive or a copy"
        case .damagedIndex(let name, let offset):
            "\(name) is damaged at byte \(offset); remove it, and the store rebuilds it"
        case .closed: "the log is closed"
        }
    }

    /// The position of the damage, or nil if the error is not damage.
    public var position: UInt64? {
        switch self {
        case .damaged(_, _, let position, _): position
        case .missing(let positions, _): positions.lowerBound
        case .missingEnd(_, let position): position
        default: nil
        }
    }
}

extension ClosedRange<UInt64> {
    /// The range in words: `positions 7-12`, or `position 7`.
    public var positionText: String { (isOne ? "position " : "positions ") + numbers }

    var numbers: String { isOne ? "\(lowerBound)" : "\(lowerBound)-\(upperBound)" }

    private var isOne: Bool { lowerBound == upperBound }
}
