import AccountDomain
import ArgumentParser
public import CommandLine
import Contracts
import EventStoreClient
import ServiceRuntime
import WithdrawDomain

extension Executable {
    /// The executable `withdraw`.
    public static let withdraw = Executable("withdraw", Withdraw.self)
}

struct Withdraw: AsyncParsableCommand, NamedService {
    typealias Subject = Account
    typealias Shown = WithdrawProjection

    static let serviceName = "withdraw"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "Take money out of an account.",
        subcommands: [
            Serve.self, Make.self, List.self, Reverse<Withdraw>.self, Status<Withdraw>.self,
            Health<Withdraw>.self,
            Rebuild<Withdraw>.self,
        ], defaultSubcommand: Make.self)
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(Withdraw.serviceName, options: options)
        let accounts = host.repository(Account.self)
        let withdrawals = try await host.project(WithdrawProjection.self)
        await host.command(WithdrawMoney.name) { (command: WithdrawMoney, cause) in
            try await accounts.execute(.withdraw(command), cause)
        }
        await host.answer(Withdraw.withdrawals, from: withdrawals)
        await host.answerReversals(of: Withdraw.self, through: accounts)
        try await host.run()
    }
}

struct Make: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take money out of an account.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The id of the account.") var account: String
    @Argument(help: "The amount, such as 11.77.") var amount: String
    @Option(help: "The currency of the amount, an ISO 4217 code.") var currency = "USD"
    @Option(help: "The reference of the withdrawal, shown in statements.") var reference = ""

    func run() async throws {
        let money = try Money(amount, in: try Currency(currency))
        let command = WithdrawMoney(account: account, amount: money, reference: reference)
        let reply = try await options.with(Withdraw.serviceName) {
            try await $0.command(WithdrawMoney.name, command)
        }
        try Output.reply(reply, json: options.json, "withdrew \(money)")
    }
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the withdrawals of an account.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the account.") var account: String

    func run() async throws {
        try await options.show(Withdraw.withdrawals, account) { views in
            Output.table(
                ["time", "amount", "reference"],
                views.map { ["\($0.time)", "\(Money($0.amount, $0.currency))", $0.reference] })
        }
    }
}
