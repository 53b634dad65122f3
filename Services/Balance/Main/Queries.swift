import AccountDomain
import BalanceDomain
import Contracts
import EventSourcing
import GRDB
import ServiceKit

extension Balance {
    static let account = ServiceQuery<Self, String, AccountView>(
        "account", of: events,
        fromMemory: { model, id in
            guard let view = model.accounts[id] else {
                throw Refusal(description: "there is no account \(id)")
            }
            return view
        })

    static let accounts = ServiceQuery<Self, Nothing, [AccountView]>(
        "accounts", fromMemory: { model, _ in model.accounts.sorted })

    static let statement = ServiceQuery<Self, String, [StatementEntry]>(
        "statement", of: events,
        fromDisk: { db, id in
            try StatementEntry.filter(Column("account") == id).order(Column("position"))
                .fetchAll(db)
        })

    private static func events(of account: String) throws -> EventQuery {
        .stream(try StreamName(category: Account.category, id: account))
    }
}
