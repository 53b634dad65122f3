public import Contracts
public import EventSourcing

extension Account {
    /// Returns the events that `command` leads to. Returns none if a saga's command has nothing to
    /// do.
    ///
    /// - Throws: a rejection of a caller's command. A saga's command never throws: a refusal is an
    ///   event, because others react to it.
    public static func decide(
        _ command: Command, given state: State
    ) throws(DaybookError) -> [AccountEvent] {
        switch command {
        case .open(let command):
            try Identifier.check(command.account, what: "account id")
            guard state.currency == nil else { throw alreadyOpen(command.account) }
            let opened = AccountOpened(
                account: command.account, currency: command.currency, openedAt: command.openedAt)
            return [.opened(opened)]
        case .credit(let command, let reverses):
            return [.credited(try credit(command, reversing: reverses, given: state))]
        case .withdraw(let command, let reverses?):
            return [try reverse(command, reverses, given: state)]
        case .withdraw(let command, nil):
            return [.withdrawn(try withdraw(command, given: state))]
        case .reserve(let account, let order, let total):
            return reserve(total, for: order, from: account, given: state)
        case .release(let account, let order):
            guard let currency = state.currency, let hold = state.holds[order] else { return [] }
            let amount = Money(hold.fromBalance, currency)
            return [.released(FundsReleased(account: account, order: order, amount: amount))]
        case .capture(let account, let order):
            guard let currency = state.currency, let hold = state.holds[order] else { return [] }
            let captured = PaymentCaptured(
                account: account, order: order,
                total: Money(hold.fromBalance + hold.shortfall, currency),
                fromBalance: Money(hold.fromBalance, currency),
                fromCredit: Money(hold.shortfall, currency))
            return [.captured(captured)]
        case .refund(let account, let order):
            guard let currency = state.currency, let paid = state.paid[order] else { return [] }
            let repaid = min(max(state.owed, 0), paid)
            let refunded = PaymentRefunded(
                account: account, order: order, amount: Money(paid, currency),
                repaid: Money(repaid, currency), toFunds: Money(paid - repaid, currency))
            return [.refunded(refunded)]
        case .completeReversal(let account, let request):
            return completeReversal(request, in: account, given: state)
        case .rejectReversal(let account, let request, let detail):
            return rejectReversal(request, in: account, detail, given: state)
        }
    }

    /// Money that comes in first repays what the account owes.
    private static func credit(
        _ command: CreditMoney, reversing reverses: Reverses?, given state: State
    ) throws(DaybookError) -> MoneyCredited {
        let (account, amount) = (command.account, command.amount)
        try check(amount, of: account, given: state)
        let repaid = min(max(state.owed, 0), amount.amount)
        let funds = state.funds.adding(amount.amount.subtracting(repaid))
        try require(
            Money(funds, amount.currency).isInRange, .rejected,
            "account \(account) with \(Money(state.funds, amount.currency)) can't take "
                + "\(amount) more: it may hold up to \(Money(Money.largest, amount.currency))")
        return MoneyCredited(
            account: account, amount: amount, repaid: Money(repaid, amount.currency),
            reference: command.reference, reverses: reverses)
    }

    private static func withdraw(
        _ command: WithdrawMoney, given state: State
    ) throws(DaybookError) -> MoneyWithdrawn {
        let (account, amount) = (command.account, command.amount)
        try check(amount, of: account, given: state)
        guard amount.amount <= state.free else {
            throw insufficientFunds(for: amount, in: account, state)
        }
        return MoneyWithdrawn(account: account, amount: amount, reference: command.reference)
    }

    static func check(
        _ amount: Money, of account: String, given state: State
    ) throws(DaybookError) {
        guard let currency = state.currency else { throw noSuchAccount(account) }
        guard amount.currency == currency else {
            throw wrongCurrency(of: amount, for: account, in: currency)
        }
        try require(
            amount.amount > 0 && amount.isInRange, .rejected,
            "\(amount) can't be moved on account \(account): it must be more than 0, up to "
                + "\(Money(Money.largest, amount.currency))")
    }

    private static func reserve(
        _ total: Money, for order: String, from account: String, given state: State
    ) -> [AccountEvent] {
        guard state.holds[order] == nil, state.paid[order] == nil else { return [] }
        func refused(_ reason: FundsRefused.Reason, _ rejection: DaybookError) -> [AccountEvent] {
            let refused = FundsRefused(
                account: account, order: order, reason: reason, detail: rejection.description)
            return [.refused(refused)]
        }
        guard let currency = state.currency else {
            return refused(.noSuchAccount, noSuchAccount(account))
        }
        guard total.currency == currency else {
            return refused(.wrongCurrency, wrongCurrency(of: total, for: account, in: currency))
        }
        let fromBalance = min(max(state.free, 0), total.amount)
        let reserved = FundsReserved(
            account: account, order: order, total: total, fromBalance: Money(fromBalance, currency),
            shortfall: Money(total.amount - fromBalance, currency))
        return [.reserved(reserved)]
    }
}

/// The rejections that also explain refusals and objections.
extension Account {
    static func alreadyOpen(_ account: String) -> DaybookError {
        .rejected("account \(account) is already open")
    }

    static func noSuchAccount(_ account: String) -> DaybookError {
        .rejected("there is no account \(account)")
    }

    private static func wrongCurrency(
        of amount: Money, for account: String, in currency: Currency
    ) -> DaybookError {
        .rejected(
            "account \(account) is kept in \(currency), not in \(amount.currency) as \(amount)")
    }

    static func insufficientFunds(
        for amount: Money, in account: String, _ state: State
    ) -> DaybookError {
        let purpose = state.reversals.isEmpty ? "orders" : "orders and reversals"
        return .rejected(
            "account \(account) has \(Money(state.free, amount.currency)) free "
                + "(\(Money(state.held, amount.currency)) held for \(purpose)), not \(amount)")
    }
}
