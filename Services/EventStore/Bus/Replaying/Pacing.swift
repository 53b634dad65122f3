import EventSourcing
import WireProtocol

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
        let start = start ?? (now, event.occurredAt, count)
        self.start = start
        var offset = 0.0
        if let rate { offset = Double(count - min(start.count, count)) / rate }
        if let speed { offset = max(offset, (event.occurredAt - start.time) / .seconds(1) / speed) }
        // Events may have times in any year, so the offset is limited to what a duration can hold.
        let due = start.at + .seconds(min(max(offset, 0), Self.longest))
        return due > now ? due : nil
    }
}
