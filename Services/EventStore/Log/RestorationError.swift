public import EventSourcing

/// Why an archive can't restore a log. Nothing was changed.
public enum RestorationError: ClassifiedError, Hashable {
    /// The archive is of another log.
    case otherLog(EventID, archived: EventID)
    /// Events at these positions are damaged or missing in the log, and the archive lacks them.
    case missing(MissingPositions)
    /// The archived event at the position differs from the log's, or does not fit it.
    case differs(position: UInt64)
    /// Neither the log nor the archive has an event.
    case nothing

    public var kind: DaybookError.Kind { .invalid }

    /// A message of one line that says what is wrong.
    public var description: String {
        switch self {
        case .otherLog(let log, let archived):
            "the archive is of log \(archived), but this is log \(log)"
        case .missing(let positions):
            "the archive lacks events that must be restored: \(positions); nothing was changed"
        case .differs(let position):
            "the archived event at position \(position) is not the one of this log: the log or "
                + "the archive lost its end, and other events took its place"
        case .nothing: "neither the log nor the archive has events"
        }
    }
}

/// A set of positions that counts all of them and keeps only the first ranges.
public struct MissingPositions: Hashable, Sendable, CustomStringConvertible {
    private static let maximumRanges = 8

    /// The first ranges, eight at most.
    public private(set) var ranges: [ClosedRange<UInt64>] = []
    /// The number of positions in all ranges, kept or not.
    public private(set) var count: UInt64 = 0

    mutating func insert(_ positions: ClosedRange<UInt64>) {
        count += positions.upperBound - positions.lowerBound + 1
        if ranges.count < Self.maximumRanges { ranges.append(positions) }
    }

    /// The positions in words, such as `positions 3-5, 9, and 12 others`.
    public var description: String {
        let listed = ranges.map(\.numbers).joined(separator: ", ")
        let listedCount = ranges.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 }
        let others = count > listedCount ? ", and \(count - listedCount) others" : ""
        return (count == 1 ? "position " : "positions ") + listed + others
    }
}
