public import Contracts

extension Audit {
    /// The figures of an account, in minor units.
    public struct AccountFigures: Hashable, Sendable {
        /// The money in the account, including what is held.
        public var funds: Int128
        /// The part of the funds that is held for open orders and reversals.
        public var held: Int128
        /// The credit that was drawn and not repaid.
        public var owed: Int128
    }

    /// The figures of a credit limit, in minor units.
    public struct LimitFigures: Hashable, Sendable {
        /// The limit, or 0 if none is set.
        public var limit: Int128
        /// The credit that is set aside for open orders.
        public var reserved: Int128
        /// The credit that was drawn and not repaid.
        public var used: Int128

        /// Whether no limit is set and no credit is in use.
        public var isZero: Bool { limit == 0 && reserved == 0 && used == 0 }
    }

    /// The figures of every account, by account. Lacks accounts with an event that can't be read.
    public var accountFigures: [String: AccountFigures] {
        let unknown = stopped("account")
        return accounts.filter { !unknown.contains($0.key) }.mapValues {
            AccountFigures(funds: $0.funds, held: $0.heldTotal, owed: $0.owed)
        }
    }

    /// The figures of every credit limit, by customer. Lacks those with an event that can't be
    /// read.
    public var limitFigures: [String: LimitFigures] {
        let unknown = stopped("creditLimit")
        return limits.filter { !unknown.contains($0.key) }.mapValues {
            LimitFigures(limit: $0.limit, reserved: $0.reservedTotal, used: $0.used)
        }
    }
}

extension Audit.AccountFigures {
    /// Creates the figures that a service shows.
    public init(_ view: AccountView) {
        self.init(funds: Int128(view.funds), held: Int128(view.held), owed: Int128(view.owed))
    }
}

extension Audit.LimitFigures {
    /// Creates the figures that a service shows.
    public init(_ view: CreditLimitView) {
        self.init(
            limit: Int128(view.limit), reserved: Int128(view.reserved), used: Int128(view.used))
    }
}
