/// Counts occurrences in each of the last sixty seconds.
struct Meter {
    private static let seconds = 60

    private var counts = [Int](repeating: 0, count: seconds)
    private var second: Int64 = 0

    mutating func count(at time: RunningTime) {
        advance(to: time)
        counts[Int(second % Int64(Self.seconds))] += 1
    }

    /// Returns the average per second.
    mutating func rate(at time: RunningTime) -> Double {
        advance(to: time)
        return Double(counts.reduce(0, +)) / Double(Self.seconds)
    }

    private mutating func advance(to time: RunningTime) {
        let now = time.microseconds / 1_000_000
        let passed = min(max(now - second, 0), Int64(Self.seconds))
        for step in 0..<passed { counts[Int((now - step) % Int64(Self.seconds))] = 0 }
        second = max(second, now)
    }
}
