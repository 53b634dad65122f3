import CallServer
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Clock of a thread` {
    @Test func `Work of a thread counts, and its wait for another one does not`() {
        let start = ThreadClock.now
        let isDone = DispatchSemaphore(value: 0)
        let other = Thread {
            // It ends only if the clock counts this work.
            while ThreadClock.now < .milliseconds(200) {}
            isDone.signal()
        }
        other.start()
        isDone.wait()
        let waited = ThreadClock.now - start
        #expect(waited < .milliseconds(100))
    }
}
