/// Ranges of numbers, searched for those that hold a number: an interval tree in an array.
///
/// The ranges are sorted by their lower bounds. The middle one of a part of the array is the root
/// of that part. It knows the highest upper bound of the part.
struct RangeIndex: Sendable {
    private struct Entry: Sendable {
        var range: NumericRange
        var clause: Int32
        var reach = 0.0
    }

    private var entries: [Entry] = []

    /// Returns how many ranges hold `number`.
    func count(around number: Double) -> Int {
        var count = 0
        forEach(around: number) { _ in count += 1 }
        return count
    }

    mutating func insert(_ clause: Int32, _ range: NumericRange) {
        let index = entries.firstIndex { $0.range.lower > range.lower } ?? entries.count
        entries.insert(Entry(range: range, clause: clause), at: index)
        _ = reach(of: 0..<entries.count)
    }

    mutating func remove(_ clause: Int32, _ range: NumericRange) {
        entries.removeAll { $0.clause == clause && $0.range == range }
        _ = reach(of: 0..<entries.count)
    }

    func forEach(around number: Double, _ found: (Int32) -> Void) {
        visit(0..<entries.count, number, found)
    }

    private mutating func reach(of part: Range<Int>) -> Double {
        guard !part.isEmpty else { return -.infinity }
        let root = part.middle
        let reach = max(
            entries[root].range.upper, reach(of: part.lowerBound..<root),
            self.reach(of: root + 1..<part.upperBound))
        entries[root].reach = reach
        return reach
    }

    private func visit(_ part: Range<Int>, _ number: Double, _ found: (Int32) -> Void) {
        guard !part.isEmpty else { return }
        let root = part.middle
        let entry = entries[root]
        guard entry.reach >= number else { return }
        visit(part.lowerBound..<root, number, found)
        guard entry.range.lower <= number else { return }
        if entry.range.contains(number) { found(entry.clause) }
        visit(root + 1..<part.upperBound, number, found)
    }
}

extension Range<Int> {
    fileprivate var middle: Int { (lowerBound + upperBound) / 2 }
}
