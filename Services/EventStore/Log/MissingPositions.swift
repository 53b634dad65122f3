/// A set of positions that counts all of them and keeps only the first ranges.
struct MissingPositions: CustomStringConvertible {
    private static let maximumRanges = 8

    /// The first ranges, eight at most.
    private(set) var ranges: [ClosedRange<UInt64>] = []
    /// The number of positions in all ranges, kept or not.
    private(set) var count: UInt64 = 0

    mutating func insert(_ positions: ClosedRange<UInt64>) {
        count += positions.upperBound - positions.lowerBound + 1
        if ranges.count < Self.maximumRanges { ranges.append(positions) }
    }

    /// The positions in words, such as `positions 3-5, 9, and 12 others`.
    var description: String {
        let listed = ranges.map(\.numbers).joined(separator: ", ")
        let listedCount = ranges.reduce(0) { $0 + $1.upperBound - $1.lowerBound + 1 }
        let others = count > listedCount ? ", and \(count - listedCount) others" : ""
        return (count == 1 ? "position " : "positions ") + listed + others
    }
}
