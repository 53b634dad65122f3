import Contracts

extension Audit {
    /// Checks the rules that hold once every event has had its consequences.
    public mutating func close() {
        let open = missingConsequences()
        findings += open
        let triggers = open.compactMap(\.trigger).filter { $0.queue == "creditLimit" }
        let reversing = accounts.filter { !$1.reversals.isEmpty }.keys
        let explained = Explained(
            orders: Set(open.compactMap(\.order)).union(unknownOrders),
            customers: Set(triggers.map(\.group)).union(reversing))
        // What an account owes and what its customer's credit limit has used are compared.
        let unknown = stopped("account").union(stopped("creditLimit"))
        for (customer, book) in accounts.sorted(by: { $0.key < $1.key })
        where !unknown.contains(customer) {
            check(book, of: customer, but: explained)
        }
        for (customer, book) in limits.sorted(by: { $0.key < $1.key })
        where !unknown.contains(customer) {
            let reserved = book.reserved.keys.filter { !explained.orders.contains($0) }
            if !reserved.isEmpty {
                conclude("customer \(customer) still has credit reserved for \(reserved.sorted())")
            }
        }
    }

    /// The orders whose end may be an event that can't be read.
    private var unknownOrders: Set<String> { stopped("order").union(stopped("route")) }

    /// The orders and customers that already have a missing consequence, or an event that can't be
    /// read, which explains other findings about them.
    private struct Explained {
        let orders: Set<String>
        /// The customers whose credit is not up to date.
        let customers: Set<String>
    }

    private mutating func check(_ book: AccountBook, of customer: String, but explained: Explained)
    {
        let used = limits[customer]?.used ?? 0
        if book.owed != used, !explained.customers.contains(customer) {
            conclude("customer \(customer) owes \(book.owed), but has \(used) used")
        }
        let held = book.held.keys.filter { !explained.orders.contains($0) }
        if !held.isEmpty { conclude("account \(customer) still holds funds for \(held.sorted())") }
        if book.owed != 0, let currency = limits[customer]?.currency, currency != book.currency {
            conclude(
                "customer \(customer) owes in \(book.currency), but has credit in \(currency)")
        }
    }

    private mutating func conclude(_ message: String) {
        findings.append(Finding(.invariant, message))
    }

    /// Returns the findings in the order of their triggers, because one repair can be what the next
    /// one needs.
    private func missingConsequences() -> [Finding] {
        // An event that can't be read may be the missing one.
        let unknownOrders = unknownOrders
        let unknownCustomers = stopped("account").union(stopped("creditLimit"))
        let ofOrders = orders.filter { order, book in
            !unknownOrders.contains(order)
                && !(book.customer.map(unknownCustomers.contains) ?? false)
        }.flatMap(missing)
        let known = repayments.values.filter { !unknownCustomers.contains($0.group) }
        let ofCredits = known.map { credit in
            Finding(
                .missingConsequence,
                "account \(credit.group): creditLimit has not acted on MoneyCredited at position "
                    + "\(credit.position), so CreditRepaid is missing",
                position: credit.position, trigger: credit)
        }
        return (ofOrders + ofCredits + missingEnds(but: unknownCustomers)).sorted {
            ($0.position ?? 0, $0.trigger?.queue ?? "", $0.message)
                < ($1.position ?? 0, $1.trigger?.queue ?? "", $1.message)
        }
    }

    private func missing(of order: String, _ book: OrderBook) -> [Finding] {
        let missing = book.missing().map { consequence, place in
            let group =
                consequence.participant == "creditLimit" ? book.customer ?? order : order
            return Finding(
                book.status == .pending ? .unfinishedOrder : .missingConsequence,
                Self.text(order, book, consequence, at: place.position),
                position: place.position, order: order,
                trigger: Trigger(
                    queue: consequence.participant, position: place.position,
                    stream: place.stream, group: group))
        }
        if book.status == .pending, missing.isEmpty {
            return [Finding(.unfinishedOrder, "order \(order) has not ended", order: order)]
        }
        if book.has(.confirmed), !book.has(.fundsReserved) {
            let text = "order \(order) was confirmed, but no funds were reserved for it"
            return missing + [Finding(.invariant, text, order: order)]
        }
        return missing
    }

    private static func text(
        _ order: String, _ book: OrderBook, _ consequence: Consequence, at position: UInt64
    ) -> String {
        let outcomes = consequence.outcomes.map(\.type).joined(separator: " or ")
        let state =
            book.status == .pending ? "has not ended" : "is \(book.status, or: "unknown")"
        return "order \(order) \(state): \(consequence.participant) has not acted on "
            + "\(consequence.trigger.type) at position \(position), so \(outcomes) is missing"
    }
}
