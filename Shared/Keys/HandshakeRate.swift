import Synchronization

/// How often each key may shake hands: many times at once, for what connects anew when a process
/// has ended, but not without end.
final class HandshakeRate: Sendable {
    private static let burst = 256.0
    private static let perSecond = 32.0

    private struct Bucket: Sendable {
        var left = burst
        var filledAt: ContinuousClock.Instant
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Whether the key, one that is known, may have one more now.
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
