import Contracts
import EventSourcing

extension Audit {
    /// The money that moved in one currency, in minor units.
    public struct Totals: Hashable, Sendable {
        /// The money paid in.
        public var credits: Int128 = 0
        /// The money paid out.
        public var withdrawals: Int128 = 0
        /// The payments for orders.
        public var captures: Int128 = 0
        /// The payments returned for cancelled orders.
        public var refunds: Int128 = 0
        /// The sum of the balances: funds less what is owed.
        public var balances: Int128 = 0
    }

    struct AccountBook: Sendable {
        var currency: Currency
        var funds: Int128 = 0
        var owed: Int128 = 0
        var held: [String: Int128] = [:]
        var heldTotal: Int128 = 0
        /// The amount that was captured for each order and not refunded, in minor units.
        var paid: [String: Int128] = [:]
        /// The reversals that were neither completed nor rejected, by request.
        var reversals: [Int: ReversalBook] = [:]
    }

    mutating func record(_ event: AccountEvent, _ recorded: Recorded<Event>) {
        let account = recorded.stream.id
        if case .opened(let event) = event {
            check(accounts[account] == nil, "account \(account) is opened twice")
            accounts[account] = AccountBook(currency: event.currency)
            return
        }
        // Funds can be refused for an account that does not exist.
        if case .refused = event { return }
        // Removed from `accounts` while it changes. Otherwise each change would copy the book.
        guard var book = accounts.removeValue(forKey: account) else {
            return check(false, "account \(account) is not open, but has \(recorded.event.type)")
        }
        apply(event, to: &book, recorded)
        accounts[account] = book
    }

    private mutating func apply(
        _ event: AccountEvent, to book: inout AccountBook, _ recorded: Recorded<Event>
    ) {
        if let other = event.amounts.first(where: { $0.currency != book.currency }) {
            return check(
                false,
                "account \(recorded.stream.id) is kept in \(book.currency), but "
                    + "\(recorded.event.type) moves \(other)")
        }
        var total = totals[book.currency] ?? Totals()
        let before = book.funds - book.owed
        move(event, recorded, &book, &total)
        total.balances += book.funds - book.owed - before
        totals[book.currency] = total
        check(book, total, of: recorded.stream.id)
    }

    private mutating func move(
        _ event: AccountEvent, _ recorded: Recorded<Event>, _ book: inout AccountBook,
        _ total: inout Totals
    ) {
        switch event {
        case .opened, .refused: break
        case .credited(let event):
            total.credits += event.amount.wide
            book.owed -= event.repaid.wide
            book.funds += event.amount.wide - event.repaid.wide
            if event.repaid.amount > 0 {
                repayments[recorded.id] = Trigger(
                    queue: "creditLimit", position: recorded.position,
                    stream: recorded.stream.description, group: recorded.stream.id)
            }
        case .withdrawn(let event):
            total.withdrawals += event.amount.wide
            book.funds -= event.amount.wide
        case .reserved(let event):
            check(
                event.fromBalance.wide + event.shortfall.wide == event.total.wide,
                "the parts of the reservation for order \(event.order) do not add up",
                order: event.order)
            book.held[event.order, default: 0] += event.fromBalance.wide
            book.heldTotal += event.fromBalance.wide
        case .released(let event):
            check(event.order, is: [.rejected], for: "a release")
            free(event.amount, of: event.order, in: &book)
        case .captured(let event):
            check(event.order, is: [.confirmed, .cancelled], for: "a capture")
            total.captures += event.total.wide
            book.paid[event.order, default: 0] += event.total.wide
            free(event.fromBalance, of: event.order, in: &book)
            book.funds -= event.fromBalance.wide
            book.owed += event.fromCredit.wide
        case .refunded(let event):
            refund(event, &book, &total)
        case .reversalRequested(let event): request(event, recorded, &book)
        case .reversalRejected(let event): reject(event, &book)
        case .reversalCompleted(let event): complete(event, &book, &total)
        }
    }

    private mutating func refund(
        _ event: PaymentRefunded, _ book: inout AccountBook, _ total: inout Totals
    ) {
        check(event.order, is: [.cancelled], for: "a refund")
        let paid = book.paid.removeValue(forKey: event.order)
        check(
            paid == event.amount.wide,
            "order \(event.order) is refunded \(event.amount.amount), but had paid "
                + "\(paid, or: "none")", order: event.order)
        total.refunds += event.amount.wide
        book.owed -= event.repaid.wide
        book.funds += event.toFunds.wide
    }

    private mutating func check(
        _ order: String, is statuses: [OrderBook.Status], for step: String
    ) {
        // The status of an order with an event that can't be read is unknown.
        if !stopped.isEmpty, stopped("order").contains(order) { return }
        let status = orders[order]?.status
        check(
            status.map(statuses.contains) == true,
            "order \(order) has \(step) while it is \(status, or: "unknown")", order: order)
    }

    private mutating func free(_ amount: Money, of order: String, in book: inout AccountBook) {
        let held = book.held.removeValue(forKey: order)
        book.heldTotal -= held ?? 0
        check(
            held == amount.wide,
            "order \(order) releases \(amount.amount) of funds, but held \(held, or: "none")",
            order: order)
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
        checkRange([book.funds, book.owed, book.heldTotal], of: "account \(account)")
    }

    /// Finds amounts that do not fit into the 64 bits that services calculate with.
    mutating func checkRange(_ amounts: [Int128], of owner: String) {
        for amount in amounts where Int64(exactly: amount) == nil {
            add(.overflow, "\(owner) has the total \(amount), which does not fit into 64 bits")
        }
    }
}

extension Money {
    /// The amount in minor units, with room for every sum.
    var wide: Int128 { Int128(amount) }
}
