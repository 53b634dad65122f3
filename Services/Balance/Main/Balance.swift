import AccountDomain
import ArgumentParser
import BalanceDomain
public import CommandLine
import Contracts
import ServiceRuntime

extension Executable {
    /// The executable `balance`.
    public static let balance = Executable("balance", Balance.self)
}

struct Balance: AsyncParsableCommand, EntityService {
    typealias Subject = Account
    typealias Shown = BalanceProjection

    static let serviceName = "balance"
    static let configuration = CommandConfiguration(
        commandName: serviceName,
        abstract: "Open accounts, and show balances and the money held for orders.",
        subcommands: [
            Serve.self, Open.self, Show.self, Statement.self, Diff<Balance>.self,
            Reverse<Balance>.self, Status<Balance>.self, Health<Balance>.self,
            Rebuild<Balance>.self,
        ])
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
        await host.answer(Balance.entity, from: balances)
        await host.answer(Balance.accounts, from: balances)
        await host.answer(Balance.statement, from: balances)
        await host.answerReversals(of: Balance.self, through: accounts)
        try await host.run()
    }
}
