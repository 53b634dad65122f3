import AccountDomain
import Contracts
import EventSourcing
import GRDB
import ServiceRuntime
import WithdrawDomain

extension Withdraw {
    static let withdrawals = ServiceQuery<Self, String, [WithdrawalView]>(
        "withdrawals", of: { .stream(try StreamName(category: Account.category, id: $0)) },
        fromDisk: { db, account in
            try WithdrawalView.filter(Column("account") == account).order(Column("position"))
                .fetchAll(db)
        })
}
