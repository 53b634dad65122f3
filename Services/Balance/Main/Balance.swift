import AccountDomain
import ArgumentParser
import BalanceDomain
import Contracts
import EventSourcing
import GRDB
import ServiceKit

@main struct Balance: AsyncParsableCommand, NamedService {
    static let serviceName = "balance"
    static let configuration = CommandConfiguration(
        commandName: serviceName,
        abstract: "The accounts: their balances, and the money held for orders.",
        subcommands: [
            Serve.self, Open.self, Show.self, Statement.self, Status<Balance>.self,
            Rebuild<Balance>.self,
        ])

    static func main() async { await Program.run(Self.self) }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(Balance.serviceName, options: options)
        let accounts = host.repository(Account.self)
        let balances = try await host.project(BalanceProjection.self)
        try await host.participate(BalanceParticipant(), through: accounts)
        await host.command(OpenAccount.name) { (command: OpenAccount, cause) in
            try await accounts.execute(.open(command), cause)
        }
        await host.query("account") { (id: String, atLeast) in
            guard let view = try await balances.read(atLeast: atLeast, { $0.accounts[id] }) else {
                throw Refusal(description: "there is no account \(id)")
            }
            return view
        }
        await host.query("accounts") { (_: Nothing, atLeast) in
            try await balances.read(atLeast: atLeast) { $0.accounts.sorted }
        }
        await host.query("statement") { (id: String, atLeast) in
            try await balances.readStore(atLeast: atLeast) { db in
                try StatementEntry.filter(Column("account") == id).order(Column("position"))
                    .fetchAll(db)
            }
        }
        try await host.run()
    }
}
