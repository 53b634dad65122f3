public import Contracts
public import EventSourcing

extension Account: Reversible {
    /// Returns the opposite movement: a withdrawal for a credit, a credit for a withdrawal.
    ///
    /// - Throws: a rejection for any other event.
    public static func reversal(of past: PastDecision<Account>) throws(DaybookError) -> Command {
        let reverses = Reverses(event: past.id, reason: past.reason)
        switch past.event {
        case .credited(let event):
            return .withdraw(
                WithdrawMoney(
                    account: event.account, amount: event.amount, reference: event.reference),
                reversing: reverses)
        case .withdrawn(let event):
            return .credit(
                CreditMoney(
                    account: event.account, amount: event.amount, reference: event.reference),
                reversing: reverses)
        case .reversalCompleted(let event):
            return .credit(
                CreditMoney(account: event.account, amount: event.amount, reference: ""),
                reversing: reverses)
        case .opened, .reserved, .refused, .released, .captured, .refunded, .reversalRequested,
            .reversalRejected:
            throw past.irreversible
        }
    }

    /// Returns how the reversal of the event with this id has ended with `event`, or nil if it
    /// waits for the credit limit.
    public static func outcome(
        ofReversing reversed: EventID, in event: AccountEvent
    ) -> ReversalOutcome? {
        guard case .reversalRejected(let event) = event else {
            return event.reverses == reversed ? .reversed : nil
        }
        return event.credit == reversed ? .rejected(event.detail) : nil
    }

    /// The longest reason of a reversal that needs credit, in bytes. It is limited because balance
    /// repeats the reason in the event that completes the reversal, which must not be too long for
    /// the log: credit was drawn by then.
    private static let reasonBytes = 4096

    /// Returns the withdrawal that reverses a credit, or the request for credit if the free funds
    /// are too low.
    static func reverse(
        _ command: WithdrawMoney, _ reverses: Reverses, given state: State
    ) throws(DaybookError) -> AccountEvent {
        let (account, amount) = (command.account, command.amount)
        try check(amount, of: account, given: state)
        // A second reversal beside it would take the money twice.
        try require(
            !state.reversals.values.contains { $0.reverses.event == reverses.event }, .rejected,
            "its reversal is under way")
        let fromBalance = min(max(state.free, 0), amount.amount)
        guard fromBalance < amount.amount else {
            return .withdrawn(
                MoneyWithdrawn(
                    account: account, amount: amount, reference: command.reference,
                    reverses: reverses))
        }
        let length = reverses.reason.utf8.count
        try require(
            length <= reasonBytes, .rejected,
            "the reason has \(length) bytes; the reason of a reversal that needs credit has up to "
                + "\(reasonBytes)")
        return .reversalRequested(
            CreditReversalRequested(
                account: account, request: try nextRequest(state), credit: reverses.event,
                reason: reverses.reason, amount: amount,
                fromBalance: Money(fromBalance, amount.currency),
                shortfall: Money(amount.amount - fromBalance, amount.currency)))
    }

    /// Returns the number of the next request.
    private static func nextRequest(_ state: State) throws(DaybookError) -> Int {
        let (next, overflow) = state.lastRequest.addingReportingOverflow(1)
        // Any client with permission to append can write any number.
        try require(!overflow, .rejected, "the account has no number left for a request")
        return next
    }

    static func completeReversal(
        _ request: Int, in account: String, given state: State
    ) -> [AccountEvent] {
        guard let currency = state.currency, let pending = state.reversals[request] else {
            return []
        }
        let hold = pending.hold
        let completed = CreditReversalCompleted(
            account: account, request: request,
            amount: Money(hold.fromBalance.adding(hold.shortfall), currency),
            fromBalance: Money(hold.fromBalance, currency),
            fromCredit: Money(hold.shortfall, currency), reverses: pending.reverses)
        return [.reversalCompleted(completed)]
    }

    static func rejectReversal(
        _ request: Int, in account: String, _ detail: String, given state: State
    ) -> [AccountEvent] {
        guard let currency = state.currency, let pending = state.reversals[request] else {
            return []
        }
        let rejected = CreditReversalRejected(
            account: account, request: request, credit: pending.reverses.event,
            amount: Money(pending.hold.fromBalance, currency), detail: detail)
        return [.reversalRejected(rejected)]
    }
}
