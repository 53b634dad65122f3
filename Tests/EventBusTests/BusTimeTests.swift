import EventSourcing
import Synchronization
import Testing

@testable import EventBus

@Suite struct `Clock of the bus` {
    private final class Time: Sendable {
        private let time = Mutex(ContinuousClock.now)

        var now: ContinuousClock.Instant { time.withLock(\.self) }

        func pass(_ duration: Duration) { time.withLock { $0 += duration } }
    }

    @Test func `Time in which the process does not run does not count`() {
        let time = Time()
        var clock = BusClock(
            after: BusTime(running: .zero, log: Timestamp(microseconds: 0)),
            system: { Timestamp(microseconds: 7) }, monotonic: { time.now })
        for _ in 0..<40 {
            time.pass(.milliseconds(50))
            clock.tick()
        }
        #expect(clock.running == .zero + .seconds(2))
        time.pass(.milliseconds(400))
        #expect(clock.running == .zero + .milliseconds(2_400))
        // The process is stopped.
        time.pass(.seconds(3_600))
        #expect(clock.running == .zero + .seconds(3))
        clock.tick()
        time.pass(.milliseconds(50))
        #expect(clock.now.running == .zero + .milliseconds(3_050))
    }

    @Test func `Log's time never goes back`() {
        var clock = BusClock(
            after: BusTime(running: .zero, log: Timestamp(microseconds: 5)),
            system: { Timestamp(microseconds: 7) })
        #expect(clock.now.log == Timestamp(microseconds: 7))
        clock.follow(Timestamp(microseconds: 9))
        clock.follow(Timestamp(microseconds: 8))
        #expect(clock.now.log == Timestamp(microseconds: 9))
    }
}
