import Synchronization

/// Limits the rate of handshakes per key with a token bucket.
///
/// The burst is large, because all connections of a key reconnect at once when a process restarts.
final class HandshakeRate: Sendable {
    /// How many handshakes a key may make at once.
    private static let burst = 256.0
    /// How many further handshakes a key may make per second.
    private static let perSecond = 32.0

    private struct Bucket: Sendable {
        var left = burst
        var filledAt: ContinuousClock.Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Returns whether the key may make a handshake now, and counts it if so.
    ///
    /// - Parameter key: a key in the keyring. Buckets of unknown keys would fill the memory.
    func take(_ key: String, at now: ContinuousClock.Instant = .now) -> Bool {
        buckets.withLock { buckets in
            var bucket = buckets[key] ?? Bucket(filledAt: now)
            let passed = (now - bucket.filledAt) / .seconds(1)
            bucket.left = min(Self.burst, bucket.left + passed * Self.perSecond)
            bucket.filledAt = now
            let isAllowed = bucket.left >= 1
            if isAllowed { bucket.left -= 1 }
            buckets[key] = bucket
            return isAllowed
        }
    }
}
