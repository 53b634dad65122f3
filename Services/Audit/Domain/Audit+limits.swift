import Contracts
import EventSourcing

extension Audit {
    struct LimitBook: Sendable {
        /// Nil until a limit is set.
        var currency: Currency?
        var limit: Int128 = 0
        var used: Int128 = 0
        var reserved: [String: Int128] = [:]
        var reservedTotal: Int128 = 0
    }

    mutating func record(_ event: CreditLimitEvent, _ recorded: Recorded<Event>) {
        let customer = recorded.stream.id
        if case .repaid = event { repayments[recorded.causationID] = nil }
        // Removed from `limits` while it changes. Otherwise each change would copy the book.
        var book = limits.removeValue(forKey: customer) ?? LimitBook()
        apply(event, to: &book, recorded)
        limits[customer] = book
        check(
            book.reservedTotal + book.used <= book.limit,
            "customer \(customer) has \(book.reservedTotal) reserved and \(book.used) used of a "
                + "limit of \(book.limit)")
        checkRange([book.reservedTotal, book.used], of: "the credit of customer \(customer)")
    }

    private mutating func apply(
        _ event: CreditLimitEvent, to book: inout LimitBook, _ recorded: Recorded<Event>
    ) {
        // An order without credit reserves an amount of 0, which may be in any currency.
        if let amount = event.amount, amount.amount != 0, let currency = book.currency,
            amount.currency != currency
        {
            return check(
                false,
                "the credit of customer \(recorded.stream.id) is in \(currency), not in "
                    + "\(amount.currency) as \(amount)", order: recorded.event.order)
        }
        switch event {
        case .set(let event):
            book.currency = event.limit.currency
            book.limit = event.limit.wide
        case .reserved(let event):
            book.reserved[event.order, default: 0] += event.amount.wide
            book.reservedTotal += event.amount.wide
        case .denied: break
        case .released(let event): release(event.amount, of: event.order, in: &book)
        case .drawn(let event):
            release(event.amount, of: event.order, in: &book)
            book.used += event.amount.wide
        case .restored(let event): book.used -= event.amount.wide
        case .repaid(let event): book.used -= event.amount.wide
        case .reversalDrawn(let event):
            decide(event.request, event.amount, recorded)
            book.used += event.amount.wide
        case .reversalDenied(let event): decide(event.request, nil, recorded)
        }
    }

    private mutating func release(_ amount: Money, of order: String, in book: inout LimitBook) {
        let reserved = book.reserved.removeValue(forKey: order)
        book.reservedTotal -= reserved ?? 0
        check(
            reserved == amount.wide,
            "order \(order) releases \(amount.amount) of credit, but had reserved "
                + "\(reserved, or: "none")", order: order)
    }
}
