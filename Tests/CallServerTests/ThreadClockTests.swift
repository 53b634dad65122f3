import CallServer
import Foundation
import Testing

@Suite struct `Clock of a thread` {
    @Test func `Work counts, and a wait does not`() {
        let start = ThreadClock.now
        // The thread itself must wait.
        Thread.sleep(forTimeInterval: 0.2)
        let waited = ThreadClock.now - start
        #expect(waited < .milliseconds(100))
        let end = ContinuousClock.now + .seconds(30)
        while ThreadClock.now - start == waited, .now < end {}
        #expect(ThreadClock.now - start > waited)
    }
}
