import Contracts
import EventSourcing

/// A line of an order book.
struct Purchase: Hashable, Sendable {
    private static let largestQuantity = 1_000_000_000
    /// The hubs near the customers, by customer number. Every 97th customer gets an unknown hub, so
    /// that an import also shows rejected orders.
    private static let destinations = [
        "ATL", "ORD", "LAX", "DFW", "JFK", "SFO", "SEA", "MIA", "LHR", "CDG", "FRA", "NRT", "SYD",
    ]

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

    /// Reads the columns of a line: customer, date, number of items, total price.
    ///
    /// - Throws: `invalid` with what is wrong with the line.
    init(
        _ fields: String, line: Int, number: Int, occurrence: Int, _ currency: Currency,
        now: Timestamp
    ) throws(DaybookError) {
        let columns = fields.split(separator: " ")
        self.line = line
        self.number = number
        self.fields = fields
        self.occurrence = occurrence
        try require(
            columns.count == 4, .invalid,
            "it has \(columns.count) fields, not 4: a customer, a date, a number of items and "
                + "their price")
        let customerNumber = try Self.number(columns[0], upTo: .max).orThrow(
            .invalid,
            "the customer '\(Self.shown(columns[0]))' is not a number from 0 to \(Int.max)")
        customer = String(columns[0])
        destination =
            customerNumber % 97 == 0
            ? "XXX" : Self.destinations[customerNumber % Self.destinations.count]
        placedAt = try Self.date(columns[1], now: now)
        guard let quantity = Self.number(columns[2], upTo: Self.largestQuantity), quantity > 0
        else {
            throw .invalid(
                "the number of items '\(Self.shown(columns[2]))' is not a number from 1 to "
                    + "\(Self.largestQuantity)")
        }
        let price: Money
        do { price = try Money(columns[3], in: currency) } catch {
            throw .invalid("the price \(error.description)")
        }
        try require(price.amount >= 0, .invalid, "the price \(price.amountText) is negative")
        // The book has only the total price, so the items are sold as one.
        item = OrderItem(sku: "cds-\(quantity)", quantity: 1, unitPrice: price)
    }

    /// Returns the command that places the order.
    ///
    /// - Parameter lifetime: the time until the order's deadline, from `now` or from the time of
    ///   the purchase, whichever is later.
    func command(_ order: String, now: Timestamp, lifetime: Duration) -> PlaceOrder {
        PlaceOrder(
            order: order, customer: customer, items: [item], destination: destination,
            placedAt: placedAt, deadline: max(now, placedAt) + lifetime)
    }

    /// Reads a number of ASCII digits only, up to `largest`.
    private static func number(_ text: Substring, upTo largest: Int) -> Int? {
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), number <= largest
        else { return nil }
        return number
    }

    /// Reads a date such as 19970101.
    private static func date(_ digits: Substring, now: Timestamp) throws(DaybookError) -> Timestamp
    {
        let text = "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.dropFirst(6))"
        guard digits.utf8.count == 8, number(digits, upTo: .max) != nil, digits.prefix(4) != "0000",
            let date = Timestamp(text)
        else {
            throw .invalid("the date '\(shown(digits))' is not a day, such as 19970101")
        }
        try require(date < now + .seconds(86_400), .invalid, "the date \(digits) is in the future")
        return date
    }

    /// Returns the start of a field for an error message. A field may be long.
    private static func shown(_ text: Substring) -> String {
        text.count > 40 ? text.prefix(40) + "…" : String(text)
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
            .map { $0.split(separator: " ").joined(separator: " ") }
            .enumerated().filter { !$0.element.isEmpty }
        var occurrences: [String: Int] = [:]
        for (index, (offset, fields)) in lines.dropFirst().prefix(limit).enumerated() {
            let occurrence = occurrences[fields, default: 0]
            occurrences[fields] = occurrence + 1
            do {
                purchases.append(
                    try Purchase(
                        fields, line: offset + 1, number: index + 1, occurrence: occurrence,
                        currency, now: now))
            } catch {
                badLines.append(BadLine(line: offset + 1, reason: error.description))
            }
        }
    }

    /// Moves the purchases for which `objection` returns a reason to the bad lines.
    mutating func reject(_ objection: (Purchase) -> String?) {
        var rejected: [BadLine] = []
        purchases.removeAll { purchase in
            guard let reason = objection(purchase) else { return false }
            rejected.append(BadLine(line: purchase.line, reason: reason))
            return true
        }
        badLines = (badLines + rejected).sorted { $0.line < $1.line }
    }
}
