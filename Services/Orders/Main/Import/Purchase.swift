import Contracts
import EventSourcing

/// A line of an order book.
struct Purchase: Hashable, Sendable {
    /// The number of the line in the file, from 1.
    let line: Int
    /// The number of the line below the header, from 1, without blank lines.
    let number: Int
    /// The line's fields, with one space between them.
    let fields: String
    /// How many earlier lines of the file have the same fields.
    let occurrence: Int
    let customer: String
    let item: OrderItem
    let placedAt: Timestamp
    let destination: String

    /// Returns the command that places the order.
    ///
    /// - Parameter lifetime: the time until the order's deadline, from `now` or from the time of
    ///   the purchase, whichever is later.
    func command(_ order: String, now: Timestamp, lifetime: Duration) -> PlaceOrder {
        PlaceOrder(
            order: order, customer: customer, items: [item], destination: destination,
            placedAt: placedAt, deadline: max(now, placedAt) + lifetime)
    }
}

/// A line that is not imported, and the reason.
struct BadLine: Hashable, Sendable, Encodable, CustomStringConvertible {
    let line: Int
    let reason: String

    var description: String { "line \(line): \(reason)" }
}

/// An order book: a header, and a purchase in each line below it.
struct PurchaseFile: Sendable {
    private(set) var purchases: [Purchase] = []
    private(set) var badLines: [BadLine] = []

    /// Reads the first `limit` lines below the header. Blank lines do not count.
    ///
    /// - Parameter now: the current time. A purchase more than a day later is invalid.
    init(_ text: String, limit: Int, _ currency: Currency, now: Timestamp) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .enumerated().map { (line: $0.offset + 1, fields: $0.element.split(separator: " ")) }
            .filter { !$0.fields.isEmpty }
        var occurrences: [String: Int] = [:]
        for (index, line) in lines.dropFirst().prefix(limit).enumerated() {
            let fields = line.fields.joined(separator: " ")
            let occurrence = occurrences[fields, default: 0]
            occurrences[fields] = occurrence + 1
            do {
                let columns = try Columns(line.fields, currency, now: now)
                purchases.append(
                    Purchase(
                        line: line.line, number: index + 1, fields: fields, occurrence: occurrence,
                        customer: columns.customer, item: columns.item,
                        placedAt: columns.placedAt, destination: columns.destination))
            } catch {
                badLines.append(BadLine(line: line.line, reason: error.description))
            }
        }
    }

    /// Moves the purchases for which `objection` returns a reason to the bad lines.
    mutating func reject(_ objection: (Purchase) -> String?) {
        var rest: [Purchase] = []
        for purchase in purchases {
            if let reason = objection(purchase) {
                badLines.append(BadLine(line: purchase.line, reason: reason))
            } else {
                rest.append(purchase)
            }
        }
        purchases = rest
        badLines.sort { $0.line < $1.line }
    }
}

/// The columns of a line: customer, date, number of items, total price.
private struct Columns {
    let customer: String
    let item: OrderItem
    let placedAt: Timestamp
    let destination: String

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private static let largestQuantity = 1_000_000_000
    /// The hubs near the customers, by customer number. Every 97th customer gets an unknown hub, so
    /// that an import also shows rejected orders.
    private static let destinations = [
        "ATL", "ORD", "LAX", "DFW", "JFK", "SFO", "SEA", "MIA", "LHR", "CDG", "FRA", "NRT", "SYD",
    ]

    init(_ fields: [Substring], _ currency: Currency, now: Timestamp) throws(Fault) {
        guard fields.count == 4 else {
            throw Fault(
                description: "it has \(fields.count) fields, not 4: a customer, a date, a number "
                    + "of items and their price")
        }
        guard let number = Self.number(fields[0], upTo: .max) else {
            throw Fault(
                description: "the customer '\(Self.shown(fields[0]))' is not a number from 0 to "
                    + "\(Int.max)")
        }
        placedAt = try Self.date(fields[1], now: now)
        guard let quantity = Self.number(fields[2], upTo: Self.largestQuantity), quantity > 0
        else {
            throw Fault(
                description: "the number of items '\(Self.shown(fields[2]))' is not a number from "
                    + "1 to \(Self.largestQuantity)")
        }
        let price: Money
        do { price = try Money(fields[3], in: currency) } catch {
            throw Fault(description: "the price \(error.description)")
        }
        guard price.amount >= 0 else {
            throw Fault(description: "the price \(price.amountText) is negative")
        }
        customer = String(fields[0])
        // The book has only the total price, so the items are sold as one.
        item = OrderItem(sku: "cds-\(quantity)", quantity: 1, unitPrice: price)
        destination =
            number % 97 == 0 ? "XXX" : Self.destinations[number % Self.destinations.count]
    }

    /// Reads a number of ASCII digits only, up to `largest`.
    private static func number(_ text: Substring, upTo largest: Int) -> Int? {
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), number <= largest
        else { return nil }
        return number
    }

    /// Reads a date such as 19970101.
    private static func date(_ digits: Substring, now: Timestamp) throws(Fault) -> Timestamp {
        let text = "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.dropFirst(6))"
        guard digits.utf8.count == 8, number(digits, upTo: .max) != nil, digits.prefix(4) != "0000",
            let date = Timestamp(text)
        else {
            throw Fault(
                description: "the date '\(shown(digits))' is not a day, such as 19970101")
        }
        guard date < now + .seconds(86_400) else {
            throw Fault(description: "the date \(digits) is in the future")
        }
        return date
    }

    /// Returns the start of a field for an error message. A field may be long.
    private static func shown(_ text: Substring) -> String {
        text.count > 40 ? text.prefix(40) + "…" : String(text)
    }
}
