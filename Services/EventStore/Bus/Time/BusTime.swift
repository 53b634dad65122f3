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
    /// The longest time between two ticks that counts. A process that did not run for longer, for
    /// example because the machine was suspended, has not taken the acknowledgements of that time.
    private static let longestGap: Duration = .seconds(1)

    private let system: @Sendable () -> Timestamp
    private let monotonic: @Sendable () -> ContinuousClock.Instant
    /// The running time at the last tick.
    private var ticked: RunningTime
    private var tickedAt: ContinuousClock.Instant
    /// The latest commit time seen in the log.
    private var latest: Timestamp

    /// Continues from `start`, the time of the previous process's last commit.
    init(
        after start: BusTime, system: @escaping @Sendable () -> Timestamp,
        monotonic: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.system = system
        self.monotonic = monotonic
        ticked = start.running
        tickedAt = monotonic()
        latest = start.log
    }

    var now: BusTime { BusTime(running: running, log: max(system(), latest)) }

    var running: RunningTime { running(at: monotonic()) }

    /// Notes that the process runs. Call it often.
    mutating func tick() {
        let now = monotonic()
        (ticked, tickedAt) = (running(at: now), now)
    }

    private func running(at now: ContinuousClock.Instant) -> RunningTime {
        ticked + min(now - tickedAt, Self.longestGap)
    }

    /// Records an event's commit time, so that the log's time never goes back.
    mutating func follow(_ time: Timestamp) { latest = max(latest, time) }
}

extension Duration {
    /// The duration in whole microseconds, clamped to 64 bits.
    var microseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000_000) }
}
