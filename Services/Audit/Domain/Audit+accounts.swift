import Contracts

extension Audit {
    /// The money that moved in one currency, in minor units.
    public struct Totals: Codable, Hashable, Sendable {
        public var credits: Int64 = 0
        public var withdrawals: Int64 = 0
        public var captures: Int64 = 0
        public var refunds: Int64 = 0
        /// The sum of the balances: funds less what is owed.
        public var balances: Int64 = 0
    }

    mutating func record(_ event: AccountEvent) {
        let account = event.account
        if case .opened(let event) = event {
            check(accounts[account] == nil, "account \(account) is opened twice")
            accounts[account] = AccountBook(currency: event.currency)
            return
        }
        // An account that does not exist is refused, and nothing else happens to it.
        if case .refused = event { return }
        guard var book = accounts[account] else {
            check(false, "account \(account) is not open, but has \(event.type)")
            return
        }
        var total = totals[book.currency] ?? Totals()
        let before = book.funds - book.owed
        apply(event, to: &book, &total)
        total.balances += book.funds - book.owed - before
        accounts[account] = book
        totals[book.currency] = total
        check(book, total, of: account)
    }

    private mutating func apply(
        _ event: AccountEvent, to book: inout AccountBook, _ total: inout Totals
    ) {
        switch event {
        case .opened, .refused: break
        case .credited(let event):
            total.credits += event.amount.amount
            book.owed -= event.repaid.amount
            book.funds += event.amount.amount - event.repaid.amount
        case .withdrawn(let event):
            total.withdrawals += event.amount.amount
            book.funds -= event.amount.amount
        case .reserved(let event):
            check(
                event.fromBalance.amount + event.shortfall.amount == event.total.amount,
                "the parts of the reservation for order \(event.order) do not add up")
            book.held[event.order, default: 0] += event.fromBalance.amount
            book.heldTotal += event.fromBalance.amount
        case .released(let event):
            check(event.order, is: [.rejected], for: "a release")
            free(event.amount, of: event.order, in: &book)
        case .captured(let event):
            check(event.order, is: [.confirmed, .cancelled], for: "a capture")
            total.captures += event.total.amount
            book.paid[event.order, default: 0] += event.total.amount
            free(event.fromBalance, of: event.order, in: &book)
            book.funds -= event.fromBalance.amount
            book.owed += event.fromCredit.amount
        case .refunded(let event):
            check(event.order, is: [.cancelled], for: "a refund")
            let paid = book.paid.removeValue(forKey: event.order)
            check(
                paid == event.amount.amount,
                "order \(event.order) is refunded \(event.amount.amount), but had paid "
                    + "\(paid, or: "none")")
            total.refunds += event.amount.amount
            book.owed -= event.repaid.amount
            book.funds += event.toFunds.amount
        }
    }

    private mutating func check(_ order: String, is ends: [OrderEnd], for step: String) {
        let end = orders[order]
        check(
            end.map(ends.contains) == true,
            "order \(order) has \(step) while it is \(end, or: "unknown")")
    }

    private mutating func free(_ amount: Money, of order: String, in book: inout AccountBook) {
        let held = book.held.removeValue(forKey: order)
        book.heldTotal -= held ?? 0
        check(
            held == amount.amount,
            "order \(order) gives up \(amount.amount) of funds, but held \(held, or: "none")")
    }

    private mutating func check(_ book: AccountBook, _ total: Totals, of account: String) {
        check(
            book.funds >= book.heldTotal && book.heldTotal >= 0,
            "account \(account) has funds of \(book.funds) and holds \(book.heldTotal)")
        check(book.owed >= 0, "account \(account) owes \(book.owed)")
        let moved = total.credits - total.withdrawals - total.captures + total.refunds
        check(
            moved == total.balances,
            "in \(book.currency), \(moved) has come in, but the balances are \(total.balances)")
    }
}

extension AccountEvent {
    var account: String {
        switch self {
        case .opened(let event): event.account
        case .credited(let event): event.account
        case .withdrawn(let event): event.account
        case .reserved(let event): event.account
        case .refused(let event): event.account
        case .released(let event): event.account
        case .captured(let event): event.account
        case .refunded(let event): event.account
        }
    }
}

extension CreditLimitEvent {
    var customer: String {
        switch self {
        case .set(let event): event.customer
        case .reserved(let event): event.customer
        case .denied(let event): event.customer
        case .released(let event): event.customer
        case .drawn(let event): event.customer
        case .restored(let event): event.customer
        case .repaid(let event): event.customer
        }
    }
}
