import Contracts
import EventSourcing

extension Audit {
    /// The reversal of a credit that waits for credit or for its end.
    struct ReversalBook: Sendable {
        /// The part of the funds that is held.
        var held: Int128
        /// The credit that is needed.
        var shortfall: Int128
        /// The request, until creditLimit has decided. Then the decision.
        var trigger: Trigger
        /// Whether credit was drawn or denied. Nil until then.
        var isDrawn: Bool?
    }

    /// Records a request to reverse a credit, and what it holds.
    mutating func request(
        _ event: CreditReversalRequested, _ recorded: Recorded<Event>, _ book: inout AccountBook
    ) {
        let name = Self.name(of: event.request, in: event.account)
        check(
            event.fromBalance.wide + event.shortfall.wide == event.amount.wide,
            "the parts of \(name) do not add up")
        check(book.reversals[event.request] == nil, "\(name) is requested twice")
        book.heldTotal += event.fromBalance.wide
        book.reversals[event.request] = ReversalBook(
            held: event.fromBalance.wide, shortfall: event.shortfall.wide,
            trigger: Trigger(
                queue: "creditLimit", position: recorded.position,
                stream: recorded.stream.description, group: event.account))
    }

    /// Records that creditLimit has drawn or denied credit for a reversal. An amount of nil stands
    /// for a denial.
    mutating func decide(
        _ request: Int, _ amount: Money?, _ recorded: Recorded<Event>
    ) {
        let customer = recorded.stream.id
        // The audit does not know the reversals of an account with an event that can't be read.
        guard !stopped("account").contains(customer) else { return }
        let name = Self.name(of: request, in: customer)
        let book = accounts[customer]?.reversals[request]
        guard book != nil, book?.isDrawn == nil else {
            return check(false, "credit is decided for \(name), which does not wait for it")
        }
        if let amount, let book {
            check(
                amount.wide == book.shortfall,
                "\(name) draws \(amount.amount) of credit, but needs \(book.shortfall)")
        }
        accounts[customer]?.reversals[request]?.isDrawn = amount != nil
        // An event without an order is in a group of its own in balance's queue.
        accounts[customer]?.reversals[request]?.trigger = Trigger(
            queue: "balance", position: recorded.position, stream: recorded.stream.description,
            group: recorded.id.description)
    }

    /// Records the end of a reversal that credit was denied to.
    mutating func reject(_ event: CreditReversalRejected, _ book: inout AccountBook) {
        end(event.request, of: event.account, drawn: false, event.amount, &book)
    }

    /// Records the end of a reversal that credit was drawn for.
    mutating func complete(
        _ event: CreditReversalCompleted, _ book: inout AccountBook, _ total: inout Totals
    ) {
        let shortfall = book.reversals[event.request]?.shortfall
        check(
            shortfall == event.fromCredit.wide,
            "\(Self.name(of: event.request, in: event.account)) owes "
                + "\(event.fromCredit.amount), but had requested \(shortfall, or: "none")")
        end(event.request, of: event.account, drawn: true, event.fromBalance, &book)
        total.withdrawals += event.amount.wide
        book.funds -= event.fromBalance.wide
        book.owed += event.fromCredit.wide
    }

    private mutating func end(
        _ request: Int, of account: String, drawn: Bool, _ amount: Money, _ book: inout AccountBook
    ) {
        let pending = book.reversals.removeValue(forKey: request)
        book.heldTotal -= pending?.held ?? 0
        let name = Self.name(of: request, in: account)
        check(
            pending?.held == amount.wide,
            "\(name) releases \(amount.amount) of funds, but held \(pending?.held, or: "none")")
        // The decision may be an event that can't be read, or a later one of its stream.
        guard !stopped("creditLimit").contains(account) else { return }
        check(
            pending?.isDrawn == drawn,
            "\(name) is \(drawn ? "completed" : "rejected") without the decision of creditLimit")
    }

    /// Returns the findings about reversals that have not ended.
    ///
    /// - Parameter unknown: the accounts that may have ended them with an event that can't be read.
    func missingEnds(but unknown: Set<String>) -> [Finding] {
        accounts.filter { !unknown.contains($0.key) }.flatMap { account, book in
            book.reversals.map { request, reversal in
                let trigger = reversal.trigger
                let (event, missing) =
                    switch reversal.isDrawn {
                    case nil:
                        (
                            CreditReversalRequested.type,
                            "\(ReversalCreditDrawn.type) or \(ReversalCreditDenied.type)"
                        )
                    case true?: (ReversalCreditDrawn.type, CreditReversalCompleted.type)
                    case false?: (ReversalCreditDenied.type, CreditReversalRejected.type)
                    }
                return Finding(
                    .missingConsequence,
                    "\(Self.name(of: request, in: account)): \(trigger.queue) has not acted on "
                        + "\(event) at position \(trigger.position), so \(missing) is missing",
                    position: trigger.position, trigger: trigger)
            }
        }
    }

    private static func name(of request: Int, in account: String) -> String {
        "reversal \(request) of account \(account)"
    }
}
