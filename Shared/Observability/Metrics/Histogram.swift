/// A distribution of durations over fixed bounds.
public struct Histogram: Hashable, Sendable {
    /// The upper bounds in seconds, from a sync to a fast disk to a call that nearly timed out.
    static let bounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
        10,
    ]

    /// The number of durations in each bucket. The last bucket has those above all bounds.
    private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// The sum of all durations, in seconds.
    public private(set) var sum = 0.0
    /// The number of durations.
    public private(set) var count: UInt64 = 0

    /// Creates an empty histogram.
    public init() {}

    /// Adds a duration.
    public mutating func observe(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
        count += 1
    }
}
