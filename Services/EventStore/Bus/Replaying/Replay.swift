import EventSourcing
import WireProtocol

/// A replay and its progress. Only `Replays` changes it.
final class Replay {
    var row: ReplayRow
    /// Whether a task runs the replay.
    var isRunning = false
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
        var view = ReplayView(
            replay: row.definition, state: row.state, startedAt: row.startedAt,
            startedBy: row.startedBy)
        view.reason = row.reason ?? problem
        view.endedAt = row.endedAt
        (view.first, view.last) = (row.first, row.first == 0 ? 0 : row.last)
        view.position = row.position
        view.lastEventTime = row.lastEventTime
        view.delivered = row.delivered
        view.rate = rate
        view.secondsLeft = row.state == .running && rate > 0 ? left.map { $0 / rate } : nil
        return view
    }
}
