import EventSourcing
import Observability

/// The total running time of the bus across restarts: the clock of leases, back-offs and waits.
///
/// It stops while the process does not run, and no change of the system's clock moves it.
struct RunningTime: Comparable, Hashable, Sendable {
    static let zero = RunningTime(microseconds: 0)
    static let latest = RunningTime(microseconds: .max)

    let microseconds: Int64

    static func < (a: RunningTime, b: RunningTime) -> Bool { a.microseconds < b.microseconds }

    /// Adds a duration. A sum out of range becomes the nearest time in range.
    static func + (time: RunningTime, duration: Duration) -> RunningTime {
        RunningTime(
            microseconds: Int64(
                clamping: Int128(time.microseconds) + duration.attoseconds / 1_000_000_000_000))
    }

    static func - (later: RunningTime, earlier: RunningTime) -> Duration {
        .microseconds(later.microseconds) - .microseconds(earlier.microseconds)
    }
}

/// A point in time, by both clocks of the bus.
struct BusTime: Hashable, Sendable {
    /// The running time, for durations.
    var running: RunningTime
    /// The log's time, for points in time such as an event's maximum age.
    var log: Timestamp
}

extension BusTime {
    private static let start = ContinuousClock.now

    /// The current time of this process, for uses that end with it.
    static var ofProcess: BusTime {
        BusTime(running: .zero + (ContinuousClock.now - start), log: .now())
    }
}

/// Reads both clocks of the bus.
struct BusClock: Sendable {
    private let system: @Sendable () -> Timestamp
    private let start: RunningTime
    private let startedAt = ContinuousClock.now
    /// The latest commit time seen in the log.
    private var latest: Timestamp

    /// Continues from `start`, the time of the previous process's last commit.
    init(after start: BusTime, system: @escaping @Sendable () -> Timestamp) {
        self.system = system
        self.start = start.running
        latest = start.log
    }

    var now: BusTime { BusTime(running: running, log: max(system(), latest)) }

    var running: RunningTime { start + (ContinuousClock.now - startedAt) }

    /// Records an event's commit time, so that the log's time never goes back.
    mutating func follow(_ time: Timestamp) { latest = max(latest, time) }
}

extension Duration {
    /// The duration in whole microseconds, clamped to 64 bits.
    var microseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000_000) }
}
