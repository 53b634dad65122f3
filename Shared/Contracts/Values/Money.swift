public import EventSourcing

/// An amount of money in whole minor units, such as cents, of a currency.
public struct Money: Hashable, Sendable {
    /// The amount in minor units: 1177 is 11.77 USD, 1177 JPY or 1.177 KWD.
    public let amount: Int64
    /// The currency of the amount.
    public let currency: Currency

    /// Creates an amount in minor units.
    public init(_ amount: Int64, _ currency: Currency) {
        self.amount = amount
        self.currency = currency
    }

    /// The largest amount in any event, in minor units: 2⁵³ − 1.
    ///
    /// So every reader of JSON represents it exactly, and a sum of two never overflows.
    public static let largest: Int64 = (1 << 53) - 1

    /// Whether the amount is within ± `largest`.
    public var isInRange: Bool { (-Self.largest...Self.largest).contains(amount) }

    /// Creates the amount, or the nearest one in range.
    public init(clamping amount: Int64, _ currency: Currency) {
        self.init(min(max(amount, -Self.largest), Self.largest), currency)
    }

    /// Returns the sum, or nil if the currencies differ or the sum is out of range.
    public func adding(_ other: Money) -> Money? {
        let (sum, overflow) = amount.addingReportingOverflow(other.amount)
        let result = Money(sum, currency)
        return currency == other.currency && !overflow && result.isInRange ? result : nil
    }

    /// Returns the product, or nil if it is out of range.
    public func times(_ factor: Int) -> Money? {
        let (product, overflow) = amount.multipliedReportingOverflow(by: Int64(factor))
        let result = Money(product, currency)
        return !overflow && result.isInRange ? result : nil
    }
}

extension Money {
    /// Parses an amount in major units, such as `11.77`.
    ///
    /// The text has digits and, if it has a point, exactly as many decimals as the currency.
    ///
    /// - Throws: `invalid` for other text and for an amount out of range.
    public init(_ text: some StringProtocol, in currency: Currency) throws(DaybookError) {
        let exponent = currency.exponent
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.dropFirst(isNegative ? 1 : 0)
            .split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty,
            parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isWholeNumber } }),
            parts.count == 1 || (exponent > 0 && parts[1].utf8.count == exponent)
        else {
            let example = Money(1177, currency).amountText
            throw .invalid("'\(text)' is not an amount in \(currency), such as \(example)")
        }
        let fraction = parts.count == 2 ? String(parts[1]) : String(repeating: "0", count: exponent)
        guard let magnitude = Int64(parts[0] + fraction), magnitude <= Self.largest else {
            let largest = Money(Self.largest, currency)
            throw .invalid("'\(text)' is more than the largest amount, \(largest)")
        }
        self.init(isNegative ? -magnitude : magnitude, currency)
    }

    /// The amount in major units, without the currency: `11.77`.
    public var amountText: String {
        let exponent = currency.exponent
        let digits = String(amount.magnitude)
        let padded = String(repeating: "0", count: max(0, exponent + 1 - digits.count)) + digits
        let sign = amount < 0 ? "-" : ""
        return exponent == 0
            ? sign + padded : sign + padded.dropLast(exponent) + "." + padded.suffix(exponent)
    }
}

extension Money: LosslessStringConvertible {
    /// Parses text such as `11.77 USD`, or returns nil.
    public init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let currency = try? Currency(String(parts[1])),
            let money = try? Money(parts[0], in: currency)
        else { return nil }
        self = money
    }

    /// The amount in major units and the currency: `11.77 USD`.
    public var description: String { "\(amountText) \(currency)" }
}

extension Money: Codable {
    private enum CodingKeys: CodingKey { case amount, currency }

    private func checkRange() throws(DaybookError) {
        guard isInRange else { throw .invalid("the amount \(amount) is out of range") }
    }

    /// Reads an amount.
    ///
    /// - Throws: `invalid` if it is out of range.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Int64.self, forKey: .amount),
            try container.decode(Currency.self, forKey: .currency))
        try checkRange()
    }

    /// Writes an amount.
    ///
    /// - Throws: `invalid` if it is out of range, because no reader would accept it.
    public func encode(to encoder: any Encoder) throws {
        try checkRange()
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(amount, forKey: .amount)
        try container.encode(currency, forKey: .currency)
    }
}
