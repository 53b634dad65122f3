/// How long something took, time after time: how often no longer than each bound.
public struct Histogram: Hashable, Sendable {
    /// In seconds; from a sync to a fast disk to a call that nearly failed.
    static let bounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
        10,
    ]

    /// How often each bound was the first that was not exceeded; at the end, how often all were.
    private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// All that it took together, in seconds.
    public private(set) var sum = 0.0
    /// How often.
    public private(set) var count: UInt64 = 0

    public init() {}

    public mutating func observe(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
        count += 1
    }
}
