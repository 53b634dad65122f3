import Contracts
public import EventSourcing

/// The prices of transport, in one or more currencies.
///
/// Prices are not converted: an order in a currency without prices can't be shipped.
public struct Tariff: Sendable {
    /// The prices in one currency, in its minor units.
    public struct Prices: Hashable, Sendable {
        /// The price for the handling on each lane.
        let handling: Int64
        /// The price per item and 100 km by truck.
        let road: Double
        /// The price per item and 100 km by a flight between neighbours.
        let feeder: Double
        /// The price per item and 100 km by a flight between major hubs.
        let trunk: Double

        /// Returns the price per item and 100 km.
        func rate(_ mode: Network.Mode) -> Double {
            switch mode {
            case .road: road
            case .feeder: feeder
            case .trunk: trunk
            }
        }
    }

    /// The built-in prices, in US dollars.
    public static let standard = Tariff(prices: [
        .usd: Prices(handling: 50, road: 6, feeder: 14, trunk: 9)
    ])

    private static let columns = ["currency", "handling", "road", "feeder", "trunk"]
    /// The largest price, in minor units.
    private static let largest = 1e12

    private let prices: [Currency: Prices]

    private init(prices: [Currency: Prices]) { self.prices = prices }

    /// Reads a tariff from comma-separated values.
    ///
    /// - Parameter text: a header, and lines of currency, handling, road, feeder and trunk. Prices
    ///   are in minor units. All except `handling` may have decimals.
    /// - Throws: `invalid` for an invalid line.
    public init(csv text: String) throws(DaybookError) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard Self.fields(of: lines[0]) == Self.columns else {
            throw Self.invalid(1, "the columns are \(Self.columns.joined(separator: ","))")
        }
        var prices: [Currency: Prices] = [:]
        for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            let (currency, some) = try Self.parse(Self.fields(of: line), line: index + 1)
            guard prices.updateValue(some, forKey: currency) == nil else {
                throw Self.invalid(index + 1, "\(currency) is listed twice")
            }
        }
        guard !prices.isEmpty else { throw Self.invalid(1, "there are no prices") }
        self.init(prices: prices)
    }

    /// Returns the prices in the currency.
    ///
    /// - Throws: the refusal of an order in a currency without prices.
    func prices(in currency: Currency) throws(RouteRefusal) -> Prices {
        guard let prices = prices[currency] else {
            let served = prices.keys.map(\.code).sorted().joined(separator: ", ")
            throw RouteRefusal(
                .currencyNotServed, "shipping has no prices in \(currency), only in \(served)")
        }
        return prices
    }

    private static func fields(of line: Substring) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func parse(
        _ fields: [String], line: Int
    ) throws(DaybookError) -> (Currency, Prices) {
        guard fields.count == columns.count else {
            throw invalid(line, "it has \(fields.count) fields, not \(columns.count)")
        }
        let currency: Currency
        do { currency = try Currency(fields[0]) } catch { throw invalid(line, error.description) }
        guard let handling = Int64(fields[1]), (0...Int64(largest)).contains(handling) else {
            throw invalid(
                line, "the handling '\(fields[1])' is not a whole number of minor units")
        }
        var rates: [Double] = []
        for field in fields[2...] {
            guard let rate = Double(field), (0...largest).contains(rate) else {
                throw invalid(line, "'\(field)' is not a price in minor units")
            }
            rates.append(rate)
        }
        return (
            currency,
            Prices(handling: handling, road: rates[0], feeder: rates[1], trunk: rates[2])
        )
    }

    private static func invalid(_ line: Int, _ reason: String) -> DaybookError {
        DaybookError(.invalid, "line \(line) of the tariff: \(reason)")
    }
}
