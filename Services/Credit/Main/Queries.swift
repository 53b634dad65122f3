import AccountDomain
import Contracts
import CreditDomain
import EventSourcing
import GRDB
import ServiceRuntime

extension Credit {
    static let credits = ServiceQuery<Self, String, [CreditView]>(
        "credits", of: { .stream(try StreamName(category: Account.category, id: $0)) },
        fromDisk: { db, account in
            try CreditView.filter(Column("account") == account).order(Column("position"))
                .fetchAll(db)
        })
}
