import WireProtocol

extension RetryPolicy {
    /// Returns the delay before the next delivery: between half and all of the doubled back-off.
    /// The random part keeps entries that failed together from returning together.
    func delay(afterReceives receives: Int, random: Double) -> Duration {
        // Beyond 30 doublings every back-off is at its maximum, and no duration overflows.
        let doublings = min(max(receives - 1, 0), 30)
        return min(.seconds(backoff) * (1 << doublings), .seconds(maximumBackoff))
            * (0.5 + random / 2)
    }
}
