extension Audit {
    /// What an account comes to, in minor units.
    public struct AccountFigures: Hashable, Sendable {
        public var funds: Int64
        public var held: Int64
        public var owed: Int64

        public init(funds: Int64, held: Int64, owed: Int64) {
            self.funds = funds
            self.held = held
            self.owed = owed
        }
    }

    /// What a credit limit comes to, in minor units.
    public struct LimitFigures: Hashable, Sendable {
        public var limit: Int64
        public var reserved: Int64
        public var used: Int64

        public init(limit: Int64, reserved: Int64, used: Int64) {
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
