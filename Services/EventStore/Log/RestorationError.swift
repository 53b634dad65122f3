public import EventSourcing

/// Why an archive can't restore a log; nothing was changed.
public enum RestorationError: ClassifiedError, Hashable {
    case otherLog(EventID, archived: EventID)
    /// They are damaged in the log or not there, and the archive does not have them.
    case missing(MissingPositions)
    /// The event that is archived at the position is not the one in the log, or does not fit it.
    case differs(position: UInt64)
    /// There is no event, in the log or in the archive.
    case nothing

    public var kind: DaybookError.Kind { .invalid }

    public var description: String {
        switch self {
        case .otherLog(let log, let archived):
            "the archive is of log \(archived), and this is log \(log)"
        case .missing(let positions):
            "the archive lacks what is to be restored: \(positions); nothing was changed"
        case .differs(let position):
            "the event that is archived at position \(position) is not the one of this log: one "
                + "of them went on where the other had lost its end"
        case .nothing: "the archive has no events"
        }
    }
}

/// Positions, of which only the first ranges are remembered.
public struct MissingPositions: Hashable, Sendable, CustomStringConvertible {
    private static let maximumRanges = 8

    public private(set) var ranges: [ClosedRange<UInt64>] = []
    public private(set) var count: UInt64 = 0

    mutating func insert(_ positions: ClosedRange<UInt64>) {
        count += positions.upperBound - positions.lowerBound + 1
        if ranges.count < Self.maximumRanges { ranges.append(positions) }
    }

    public var description: String {
        let listed = ranges.map(\.numbers).joined(separator: ", ")
        let listedCount = ranges.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 }
        let others = count > listedCount ? ", and \(count - listedCount) others" : ""
        return (count == 1 ? "position " : "positions ") + listed + others
    }
}
