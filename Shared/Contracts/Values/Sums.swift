/// Sums of amounts, in minor units, over the events of a log.
///
/// Deciders keep the sums of their own events in range. But any client with permission to append
/// can write other events, and no event may crash the process that reads it. So a sum that
/// overflows is clamped to the largest or the smallest integer.
extension Int64 {
    /// Returns the sum, clamped to the range of the type.
    public func adding(_ amount: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(amount)
        return overflow ? (amount < 0 ? .min : .max) : sum
    }

    /// Returns the difference, clamped to the range of the type.
    public func subtracting(_ amount: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(amount)
        return overflow ? (amount < 0 ? .max : .min) : difference
    }

    /// Adds an amount, clamped to the range of the type.
    public mutating func add(_ amount: Int64) { self = adding(amount) }

    /// Subtracts an amount, clamped to the range of the type.
    public mutating func subtract(_ amount: Int64) { self = subtracting(amount) }
}
