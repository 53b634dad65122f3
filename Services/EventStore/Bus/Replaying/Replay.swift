import EventSourcing
import WireProtocol

/// A replay at work.
final class Replay {
    var row: ReplayRow
    /// Whether a task runs the replay.
    var isAtWork = false
    /// Why the replay waits for its archive's place, if it does.
    var problem: String?
    /// Recent positions, from which the rate is computed.
    private var pace: [(at: RunningTime, position: UInt64)] = []

    init(_ row: ReplayRow) { self.row = row }

    /// Records that the window is done up to `position`.
    func advance(to position: UInt64, at now: RunningTime) {
        row.position = position
        guard let latest = pace.last, latest.at + .milliseconds(500) > now else {
            pace.append((now, position))
            return pace.removeAll { $0.at + .seconds(5) < now }
        }
    }

    /// Returns the recent rate, in positions per second.
    private func rate(at now: RunningTime) -> Double {
        guard row.state == .running, let first = pace.first, first.at < now else { return 0 }
        let seconds = Double(now.microseconds - first.at.microseconds) / 1_000_000
        return Double(row.position - first.position) / seconds
    }

    func view(at now: RunningTime) -> ReplayView {
        let rate = rate(at: now)
        let left = row.first == 0 ? nil : Double(row.last - min(row.position, row.last))
        return ReplayView(
            replay: row.definition, state: row.state, reason: row.reason ?? problem,
            startedAt: row.startedAt, startedBy: row.startedBy, endedAt: row.endedAt,
            first: row.first, last: row.first == 0 ? 0 : row.last, position: row.position,
            lastEventTime: row.lastEventTime, delivered: row.delivered, rate: rate,
            secondsLeft: row.state == .running && rate > 0 ? left.map { $0 / rate } : nil)
    }
}

/// Decides when an event of a replay is due, by the replay's rate and speed.
struct Pacing {
    private static let longest = 1e12

    let rate: Double?
    let speed: Double?
    /// When the replay started or resumed, with the time and count of its next event then.
    private var start: (at: ContinuousClock.Instant, time: Timestamp, count: UInt64)?

    init(_ definition: ReplayDefinition) {
        rate = definition.rate
        speed = definition.speed
    }

    /// Returns when the event after `count` others is due, or nil if it is due at `now`.
    mutating func due(
        _ event: RecordedEvent, count: UInt64, now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        guard rate != nil || speed != nil else { return nil }
        let start = start ?? (now, event.time, count)
        self.start = start
        var offset = 0.0
        if let rate { offset = Double(count - min(start.count, count)) / rate }
        if let speed { offset = max(offset, (event.time - start.time) / .seconds(1) / speed) }
        // Events may have times in any year, so the offset is limited to what a duration can hold.
        let due = start.at + .seconds(min(max(offset, 0), Self.longest))
        return due > now ? due : nil
    }
}
