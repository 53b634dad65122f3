import Testing

@testable import Keys

struct `Handshake rate` {
    @Test func `Each key may make 256 handshakes at once and then 32 per second`() {
        let rate = HandshakeRate()
        let start = ContinuousClock.now
        func taken(_ key: String, at time: Duration) -> Int {
            (0..<1000).count { _ in rate.take(key, at: start + time) }
        }
        #expect(taken("mallory", at: .zero) == 256)
        #expect(taken("mallory", at: .seconds(2)) == 64)
        // Each key has its own rate.
        #expect(taken("ann", at: .seconds(2)) == 256)
        #expect(taken("mallory", at: .seconds(3600)) == 256)
    }
}
