public import Contracts
import EventSourcing

/// The books, kept a second time from the log alone, by their own arithmetic rather than that of
/// the deciders, so that a decider that errs is found out.
///
/// Feed it every event in log order; it checks at each position what must always hold, and at the
/// end what must hold once nothing is in flight.
public struct Audit: Sendable {
    public enum Event: PayloadFamily, Hashable {
        case order(OrderEvent)
        case account(AccountEvent)
        case creditLimit(CreditLimitEvent)

        public static let cases = PayloadCases<Event>(
            OrderEvent.cases.wrapped(Event.order) + AccountEvent.cases.wrapped(Event.account)
                + CreditLimitEvent.cases.wrapped(Event.creditLimit))
    }

    /// What does not hold, and where it was found; position 0 for what is checked at the end.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        public var position: UInt64
        public var message: String

        public var description: String {
            position == 0 ? "at the end: \(message)" : "at position \(position): \(message)"
        }
    }

    struct AccountBook: Sendable {
        var currency: Currency
        var funds: Int64 = 0
        var owed: Int64 = 0
        var held: [String: Int64] = [:]
        var heldTotal: Int64 = 0
        /// By order, what was captured and not refunded.
        var paid: [String: Int64] = [:]
    }

    struct LimitBook: Sendable {
        var limit: Int64 = 0
        var used: Int64 = 0
        var reserved: [String: Int64] = [:]
        var reservedTotal: Int64 = 0
    }

    enum OrderEnd: Hashable, Sendable { case pending, confirmed, rejected, cancelled }

    public internal(set) var violations: [Violation] = []
    public internal(set) var totals: [Currency: Totals] = [:]
    var accounts: [String: AccountBook] = [:]
    var limits: [String: LimitBook] = [:]
    var orders: [String: OrderEnd] = [:]
    var position: UInt64 = 0

    public init() {}

    /// Works the event at `position` in, and checks what it touched.
    public mutating func record(_ event: Event, at position: UInt64) {
        self.position = position
        switch event {
        case .order(let event): record(event)
        case .account(let event): record(event)
        case .creditLimit(let event): record(event)
        }
    }

    mutating func check(_ holds: Bool, _ message: @autoclosure () -> String) {
        guard !holds else { return }
        violations.append(Violation(position: position, message: message()))
    }

    // MARK: Orders

    private mutating func record(_ event: OrderEvent) {
        switch event {
        case .placed(let event): move(event.order, from: nil, to: .pending)
        case .confirmed(let event): move(event.order, from: .pending, to: .confirmed)
        case .rejected(let event): move(event.order, from: .pending, to: .rejected)
        case .cancelled(let event): move(event.order, from: .confirmed, to: .cancelled)
        }
    }

    private mutating func move(_ order: String, from: OrderEnd?, to: OrderEnd) {
        let before = orders[order]
        check(before == from, "order \(order) becomes \(to) after \(before, or: "nothing")")
        orders[order] = to
    }

    // MARK: Credit limits

    private mutating func record(_ event: CreditLimitEvent) {
        let customer = event.customer
        var book = limits[customer] ?? LimitBook()
        switch event {
        case .set(let event): book.limit = event.limit.amount
        case .reserved(let event): book.reserve(event.amount.amount, for: event.order)
        case .denied: break
        case .released(let event): settle(event.amount, of: event.order, in: &book)
        case .drawn(let event):
            settle(event.amount, of: event.order, in: &book)
            book.used += event.amount.amount
        case .restored(let event): book.used -= event.amount.amount
        case .repaid(let event): book.used -= event.amount.amount
        }
        limits[customer] = book
        check(
            book.reservedTotal + book.used <= book.limit,
            "customer \(customer) has \(book.reservedTotal) reserved and \(book.used) used of a "
                + "limit of \(book.limit)")
        check(book.used >= 0, "customer \(customer) has \(book.used) used")
    }

    private mutating func settle(_ amount: Money, of order: String, in book: inout LimitBook) {
        let reserved = book.settle(order)
        check(
            reserved == amount.amount,
            "order \(order) gives up \(amount.amount) of credit, but had reserved "
                + "\(reserved, or: "none")")
    }

    // MARK: The end

    /// Checks what must hold once every event has been reacted to.
    public mutating func close() {
        position = 0
        for (customer, book) in accounts.sorted(by: { $0.key < $1.key }) {
            let used = limits[customer]?.used ?? 0
            check(
                book.owed == used, "customer \(customer) owes \(book.owed), but has \(used) used")
            check(
                book.held.isEmpty,
                "account \(customer) still holds for \(book.held.keys.sorted())")
        }
        for (customer, book) in limits.sorted(by: { $0.key < $1.key }) {
            check(
                book.reserved.isEmpty,
                "customer \(customer) still has reserved for \(book.reserved.keys.sorted())")
        }
        for (order, end) in orders.sorted(by: { $0.key < $1.key }) {
            check(end != .pending, "order \(order) has not ended")
        }
    }

    public var orderCount: Int { orders.count }

    /// How many orders ended how.
    public var outcomes: (pending: Int, confirmed: Int, rejected: Int, cancelled: Int) {
        let counts = Dictionary(grouping: orders.values, by: \.self).mapValues(\.count)
        return (
            counts[.pending] ?? 0, counts[.confirmed] ?? 0, counts[.rejected] ?? 0,
            counts[.cancelled] ?? 0
        )
    }
}

extension Audit.LimitBook {
    mutating func reserve(_ amount: Int64, for order: String) {
        reserved[order, default: 0] += amount
        reservedTotal += amount
    }

    /// What was reserved for `order`, which it is no longer.
    mutating func settle(_ order: String) -> Int64? {
        let amount = reserved.removeValue(forKey: order)
        reservedTotal -= amount ?? 0
        return amount
    }
}

extension DefaultStringInterpolation {
    mutating func appendInterpolation(_ value: (some Any)?, or absent: String) {
        appendLiteral(value.map { "\($0)" } ?? absent)
    }
}
