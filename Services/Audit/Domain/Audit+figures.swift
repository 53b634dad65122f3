extension Audit {
    /// What an account comes to, in minor units.
    public struct AccountFigures: Hashable, Sendable {
        public var funds: Int128
        public var held: Int128
        public var owed: Int128

        public init(funds: Int128, held: Int128, owed: Int128) {
            self.funds = funds
            self.held = held
            self.owed = owed
        }
    }

    /// What a credit limit comes to, in minor units.
    public struct LimitFigures: Hashable, Sendable {
        public var limit: Int128
        public var reserved: Int128
        public var used: Int128

        public init(limit: Int128, reserved: Int128, used: Int128) {
            self.limit = limit
            self.reserved = reserved
            self.used = used
        }
    }

    public var accountFigures: [String: AccountFigures] {
        accounts.mapValues {
            AccountFigures(funds: $0.funds, held: $0.heldTotal, owed: $0.owed)
        }
    }

    public var limitFigures: [String: LimitFigures] {
        limits.mapValues {
            LimitFigures(limit: $0.limit, reserved: $0.reservedTotal, used: $0.used)
        }
    }
}
