extension String {
    /// Names are compared up to this length, in bytes. No name is longer.
    private static let comparedBytes = 255

    /// Returns the name that was probably meant if this one does not exist, or nil if none is
    /// similar.
    ///
    /// Case does not count. Otherwise one character in three may be missing, added, changed or
    /// swapped with its neighbour.
    public func mostSimilar(among names: some Sequence<String>) -> String? {
        guard utf8.count <= Self.comparedBytes else { return nil }
        let given = Array(lowercased().utf8)
        let found = names.compactMap { name -> (distance: Int, name: String)? in
            guard name.utf8.count <= Self.comparedBytes else { return nil }
            let other = Array(name.lowercased().utf8)
            let (shorter, longer) = (
                Swift.min(given.count, other.count), Swift.max(given.count, other.count)
            )
            let limit = Swift.max(1, longer / 3)
            // Names of one character are never similar, and lengths are cheap to compare first.
            guard shorter > 1, longer - shorter <= limit else { return nil }
            let distance = Self.distance(given, other)
            return distance <= limit ? (distance, name) : nil
        }
        return found.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    /// Returns how many changes make one text the other: the optimal string alignment distance.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var (beforeLast, last) = ([Int](), Array(0...b.count))
        for (i, byte) in a.enumerated() {
            var row = [i + 1]
            for (j, other) in b.enumerated() {
                var best = Swift.min(last[j] + (byte == other ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, byte == b[j - 1], a[i - 1] == other {
                    best = Swift.min(best, beforeLast[j - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
