public import Contracts
public import EventSourcing

extension Account {
    /// Returns the events that `command` leads to. Returns none if a saga's command has nothing to
    /// do.
    ///
    /// - Throws: `Rejection` for a command of a caller. A saga's command never throws: a refusal is
    ///   an event, because others react to it.
    public static func decide(
        _ command: Command, given state: State
    ) throws(Rejection) -> [AccountEvent] {
        switch command {
        case .open(let command):
            [.opened(try open(command, given: state))]
        case .credit(let command, let reverses):
            [.credited(try credit(command, reversing: reverses, given: state))]
        case .withdraw(let command, let reverses):
            [.withdrawn(try withdraw(command, reversing: reverses, given: state))]
        case .reserve(let account, let order, let total):
            reserve(total, for: order, from: account, given: state)
        case .release(let account, let order):
            release(order, from: account, given: state)
        case .capture(let account, let order):
            capture(order, from: account, given: state)
        case .refund(let account, let order):
            refund(order, to: account, given: state)
        }
    }

    private static func open(
        _ command: OpenAccount, given state: State
    ) throws(Rejection) -> AccountOpened {
        do {
            try Identifier.check(command.account, what: "account id")
        } catch {
            throw .badID(error)
        }
        guard state.currency == nil else { throw .alreadyOpen(command.account) }
        return AccountOpened(
            account: command.account, currency: command.currency, openedAt: command.openedAt)
    }

    /// Money that comes in first repays what the account owes.
    private static func credit(
        _ command: CreditMoney, reversing reverses: Reverses?, given state: State
    ) throws(Rejection) -> MoneyCredited {
        let amount = command.amount
        try check(amount, of: command.account, given: state)
        let repaid = min(max(state.owed, 0), amount.amount)
        let funds = state.funds.adding(amount.amount.subtracting(repaid))
        guard Money(funds, amount.currency).isInRange else {
            throw .tooMuch(
                account: command.account, amount: amount,
                funds: Money(state.funds, amount.currency))
        }
        return MoneyCredited(
            account: command.account, amount: amount, repaid: Money(repaid, amount.currency),
            reference: command.reference, reverses: reverses)
    }

    private static func withdraw(
        _ command: WithdrawMoney, reversing reverses: Reverses?, given state: State
    ) throws(Rejection) -> MoneyWithdrawn {
        let amount = command.amount
        try check(amount, of: command.account, given: state)
        guard amount.amount <= state.free else {
            throw .insufficientFunds(
                account: command.account, amount: amount,
                free: Money(state.free, amount.currency), held: Money(state.held, amount.currency))
        }
        return MoneyWithdrawn(
            account: command.account, amount: amount, reference: command.reference,
            reverses: reverses)
    }

    private static func check(
        _ amount: Money, of account: String, given state: State
    ) throws(Rejection) {
        guard let currency = state.currency else { throw .noSuchAccount(account) }
        guard amount.currency == currency else {
            throw .wrongCurrency(account: account, amount: amount, currency: currency)
        }
        guard amount.amount > 0, amount.isInRange else {
            throw .badAmount(account: account, amount: amount)
        }
    }

    private static func reserve(
        _ total: Money, for order: String, from account: String, given state: State
    ) -> [AccountEvent] {
        guard state.holds[order] == nil, state.paid[order] == nil else { return [] }
        guard let currency = state.currency else {
            let rejection = Rejection.noSuchAccount(account)
            return [
                .refused(
                    FundsRefused(
                        account: account, order: order, reason: .noSuchAccount,
                        detail: rejection.description))
            ]
        }
        guard total.currency == currency else {
            let rejection = Rejection.wrongCurrency(
                account: account, amount: total, currency: currency)
            return [
                .refused(
                    FundsRefused(
                        account: account, order: order, reason: .wrongCurrency,
                        detail: rejection.description))
            ]
        }
        let fromBalance = min(max(state.free, 0), total.amount)
        return [
            .reserved(
                FundsReserved(
                    account: account, order: order, total: total,
                    fromBalance: Money(fromBalance, currency),
                    shortfall: Money(total.amount - fromBalance, currency)))
        ]
    }

    private static func release(
        _ order: String, from account: String, given state: State
    ) -> [AccountEvent] {
        guard let currency = state.currency, let hold = state.holds[order] else { return [] }
        return [
            .released(
                FundsReleased(
                    account: account, order: order, amount: Money(hold.fromBalance, currency)))
        ]
    }

    private static func capture(
        _ order: String, from account: String, given state: State
    ) -> [AccountEvent] {
        guard let currency = state.currency, let hold = state.holds[order] else { return [] }
        return [
            .captured(
                PaymentCaptured(
                    account: account, order: order,
                    total: Money(hold.fromBalance + hold.shortfall, currency),
                    fromBalance: Money(hold.fromBalance, currency),
                    fromCredit: Money(hold.shortfall, currency)))
        ]
    }

    private static func refund(
        _ order: String, to account: String, given state: State
    ) -> [AccountEvent] {
        guard let currency = state.currency, let paid = state.paid[order] else { return [] }
        let repaid = min(max(state.owed, 0), paid)
        return [
            .refunded(
                PaymentRefunded(
                    account: account, order: order, amount: Money(paid, currency),
                    repaid: Money(repaid, currency), toFunds: Money(paid - repaid, currency)))
        ]
    }
}

extension Account {
    /// Why the account rejects a command.
    public enum Rejection: Error, Hashable, CustomStringConvertible {
        /// The account id is invalid.
        case badID(DaybookError)
        /// The account is open already.
        case alreadyOpen(String)
        /// The account was never opened.
        case noSuchAccount(String)
        /// The amount is in another currency than the account's.
        case wrongCurrency(account: String, amount: Money, currency: Currency)
        /// The amount is not positive, or above the largest amount.
        case badAmount(account: String, amount: Money)
        /// The amount exceeds the free funds.
        case insufficientFunds(account: String, amount: Money, free: Money, held: Money)
        /// The funds would exceed the largest amount.
        case tooMuch(account: String, amount: Money, funds: Money)
        /// Events of this type can't be reversed.
        case irreversible(String)

        /// A message of one line for the caller.
        public var description: String {
            switch self {
            case .badID(let error): error.description
            case .irreversible(let type): "\(type) can't be reversed"
            case .alreadyOpen(let account): "account \(account) is already open"
            case .noSuchAccount(let account): "there is no account \(account)"
            case .wrongCurrency(let account, let amount, let currency):
                "account \(account) is kept in \(currency), not in \(amount.currency) as \(amount)"
            case .badAmount(let account, let amount):
                "\(amount) can't be moved on account \(account): it must be more than 0, up to "
                    + "\(Money(Money.largest, amount.currency))"
            case .insufficientFunds(let account, let amount, let free, let held):
                "account \(account) has \(free) free (\(held) held for orders), not \(amount)"
            case .tooMuch(let account, let amount, let funds):
                "account \(account) with \(funds) can't take \(amount) more: it may hold up to "
                    + "\(Money(Money.largest, amount.currency))"
            }
        }
    }
}
