import AccountDomain
import ArgumentParser
public import CommandLine
import Contracts
import CreditDomain
import EventStoreClient
import ServiceRuntime

extension Executable {
    /// The executable `credit`.
    public static let credit = Executable("credit", Credit.self)
}

struct Credit: AsyncParsableCommand, NamedService {
    typealias Subject = Account
    typealias Shown = CreditProjection

    static let serviceName = "credit"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "Pay money into an account.",
        subcommands: [
            Serve.self, Make.self, List.self, Reverse<Credit>.self, Status<Credit>.self,
            Health<Credit>.self,
            Rebuild<Credit>.self,
        ], defaultSubcommand: Make.self)
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(Credit.serviceName, options: options)
        let accounts = host.repository(Account.self)
        let credits = try await host.project(CreditProjection.self)
        await host.command(CreditMoney.name) { (command: CreditMoney, cause) in
            try await accounts.execute(.credit(command), cause)
        }
        await host.answer(Credit.credits, from: credits)
        await host.answerReversals(of: Credit.self, through: accounts)
        try await host.run()
    }
}

struct Make: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Pay money into an account.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The id of the account.") var account: String
    @Argument(help: "The amount, such as 11.77.") var amount: String
    @Option(help: "The currency of the amount, an ISO 4217 code.") var currency = "USD"
    @Option(help: "The reference of the credit, shown in statements.") var reference = ""

    func run() async throws {
        let money = try Money(amount, in: try Currency(currency))
        let command = CreditMoney(account: account, amount: money, reference: reference)
        let reply = try await options.with(Credit.serviceName) {
            try await $0.command(CreditMoney.name, command)
        }
        try Output.reply(reply, json: options.json, "credited \(money)")
    }
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the credits of an account.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the account.") var account: String

    func run() async throws {
        try await options.show(Credit.credits, account) { views in
            Output.table(
                ["time", "amount", "reference"],
                views.map { ["\($0.time)", "\(Money($0.amount, $0.currency))", $0.reference] })
        }
    }
}
