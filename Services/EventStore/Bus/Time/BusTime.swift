import EventSourcing
import ServiceKit

/// How long the bus has run in all, over restarts: the clock of leases, back-offs and waits.
///
/// It stands still while the process does not run, and no change of the system's clock moves it.
struct RunningTime: Comparable, Hashable, Sendable {
    static let zero = RunningTime(microseconds: 0)

    let microseconds: Int64

    static func < (a: RunningTime, b: RunningTime) -> Bool { a.microseconds < b.microseconds }

    /// Adds a duration. A sum beyond the last time is the last time.
    static func + (time: RunningTime, duration: Duration) -> RunningTime {
        let (sum, overflow) = time.microseconds.addingReportingOverflow(duration.microseconds)
        return RunningTime(microseconds: overflow ? (sum < 0 ? .max : .min) : sum)
    }

    static func - (later: RunningTime, earlier: RunningTime) -> Duration {
        .microseconds(later.microseconds) - .microseconds(earlier.microseconds)
    }
}

/// A moment, by both clocks of the bus.
struct BusTime: Hashable, Sendable {
    /// What durations are measured by.
    var running: RunningTime
    /// The log's time, for points in time such as an event's maximum age.
    var log: Timestamp
}

extension BusTime {
    private static let start = ContinuousClock.now

    /// For what ends with the process.
    static var ofProcess: BusTime {
        BusTime(running: .zero + (ContinuousClock.now - start), log: .now())
    }
}

/// Tells both times of the bus.
struct BusClock: Sendable {
    private let system: @Sendable () -> Timestamp
    private let start: RunningTime
    private let startedAt = ContinuousClock.now
    /// The last time that the log has shown.
    private var latest: Timestamp

    /// Goes on at `start`, where the process before this one ended.
    init(after start: BusTime, system: @escaping @Sendable () -> Timestamp) {
        self.system = system
        self.start = start.running
        latest = start.log
    }

    var now: BusTime { BusTime(running: running, log: max(system(), latest)) }

    var running: RunningTime { start + (ContinuousClock.now - startedAt) }

    /// Notes the commit time of an event: the log's time is never earlier.
    mutating func follow(_ time: Timestamp) { latest = max(latest, time) }
}

extension Duration {
    /// In whole microseconds, the nearest possible number of them.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, isTooFar) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return overflow || isTooFar ? (seconds < 0 ? .min : .max) : sum
    }
}
