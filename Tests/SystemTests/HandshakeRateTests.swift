import Testing

@testable import Keys

struct `The handshakes of a key` {
    @Test func `are many at once, and then so many a second`() {
        let rate = HandshakeRate()
        let start = ContinuousClock.now
        func taken(_ key: String, at time: Duration) -> Int {
            (0..<1000).count { _ in rate.take(key, at: start + time) }
        }
        #expect(taken("mallory", at: .zero) == 256)
        #expect(taken("mallory", at: .seconds(2)) == 64)
        // That of another is another's.
        #expect(taken("ann", at: .seconds(2)) == 256)
        #expect(taken("mallory", at: .seconds(3600)) == 256)
    }
}
