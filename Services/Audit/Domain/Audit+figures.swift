extension Audit {
    /// The figures of an account, in minor units.
    public struct AccountFigures: Hashable, Sendable {
        /// The money in the account, including what is held.
        public var funds: Int128
        /// The part of the funds that is held for open orders.
        public var held: Int128
        /// The credit that was drawn and not repaid.
        public var owed: Int128

        /// Creates the figures of an account.
        public init(funds: Int128, held: Int128, owed: Int128) {
            self.funds = funds
            self.held = held
            self.owed = owed
        }
    }

    /// The figures of a credit limit, in minor units.
    public struct LimitFigures: Hashable, Sendable {
        /// The limit, or 0 if none is set.
        public var limit: Int128
        /// The credit that is set aside for open orders.
        public var reserved: Int128
        /// The credit that was drawn and not repaid.
        public var used: Int128

        /// Creates the figures of a credit limit.
        public init(limit: Int128, reserved: Int128, used: Int128) {
            self.limit = limit
            self.reserved = reserved
            self.used = used
        }
    }

    /// The figures of every account, by account.
    public var accountFigures: [String: AccountFigures] {
        accounts.mapValues {
            AccountFigures(funds: $0.funds, held: $0.heldTotal, owed: $0.owed)
        }
    }

    /// The figures of every credit limit, by customer.
    public var limitFigures: [String: LimitFigures] {
        limits.mapValues {
            LimitFigures(limit: $0.limit, reserved: $0.reservedTotal, used: $0.used)
        }
    }
}
