import Contracts
import EventSourcing
import ServiceKit

/// A line of an order book.
struct Purchase: Sendable {
    let order: String
    let customer: String
    let item: OrderItem
    let placedAt: Timestamp
    let destination: String

    /// Hubs that the book's customers live near, by their number; one of them is on no map.
    private static let destinations = [
        "ATL", "ORD", "LAX", "DFW", "JFK", "SFO", "SEA", "MIA", "LHR", "CDG", "FRA", "NRT", "SYD",
    ]

    /// Reads the first `limit` lines below the header.
    static func parse(_ text: String, limit: Int, _ currency: Currency) throws -> [Purchase] {
        let lines = text.split(whereSeparator: \.isNewline).dropFirst()
        return try lines.prefix(limit).enumerated().map { index, line in
            try parse(line, number: index + 2, currency)
        }
    }

    private static func parse(
        _ line: Substring, number: Int, _ currency: Currency
    ) throws -> Purchase {
        let fields = line.split(separator: " ")
        guard fields.count == 4, let customer = UInt(fields[0]), let quantity = Int(fields[2]),
            let date = Self.date(fields[1])
        else {
            throw Problem.data(
                "line \(number) is not a customer, a date, a number of items and their price")
        }
        let price: Money
        do { price = try Money(fields[3], in: currency) } catch {
            throw Problem.data("line \(number): \(error)")
        }
        // The book has the price of all items together: they are sold as one.
        let item = OrderItem(sku: "cds-\(quantity)", quantity: 1, unitPrice: price)
        let destination =
            customer % 97 == 0 ? "XXX" : destinations[Int(customer % UInt(destinations.count))]
        return Purchase(
            order: "cdnow.\(number - 1)", customer: String(fields[0]), item: item, placedAt: date,
            destination: destination)
    }

    /// The day that 19970101 stands for.
    private static func date(_ digits: Substring) -> Timestamp? {
        Timestamp("\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.dropFirst(6))")
    }
}
