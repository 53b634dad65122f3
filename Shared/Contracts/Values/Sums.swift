/// Sums of amounts, in minor units, over the events of a log.
///
/// Deciders keep the sums of their own events in range. Anyone who may append can write other
/// events, however, and no event may end the process that reads it: so a sum that overflows stays
/// at the largest or the least integer.
extension Int64 {
    public func adding(_ amount: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(amount)
        return overflow ? (amount < 0 ? .min : .max) : sum
    }

    public func subtracting(_ amount: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(amount)
        return overflow ? (amount < 0 ? .max : .min) : difference
    }

    public mutating func add(_ amount: Int64) { self = adding(amount) }

    public mutating func subtract(_ amount: Int64) { self = subtracting(amount) }
}
