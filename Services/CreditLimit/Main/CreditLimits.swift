import ArgumentParser
public import CommandLine
import Contracts
import CreditLimitDomain
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

extension Executable {
    /// The executable `creditLimit`.
    public static let creditLimit = Executable("creditLimit", CreditLimits.self)
}

struct CreditLimits: AsyncParsableCommand, EntityService {
    typealias Subject = CreditLimit
    typealias Shown = CreditLimitProjection

    static let serviceName = "creditLimit"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "Set and show the credit limits of customers.",
        subcommands: [
            Serve.self, Set.self, Show.self, Diff<CreditLimits>.self, Reverse<CreditLimits>.self,
            Status<CreditLimits>.self, Health<CreditLimits>.self,
            Rebuild<CreditLimits>.self,
        ])
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(CreditLimits.serviceName, options: options)
        let repository = host.repository(CreditLimit.self)
        let limits = try await host.project(CreditLimitProjection.self)
        try await host.participate(CreditLimitParticipant(), through: repository)
        await host.command(SetCreditLimit.name) { (command: SetCreditLimit, cause) in
            try await repository.execute(.set(command), cause)
        }
        await host.answer(CreditLimits.entity, from: limits)
        await host.answer(CreditLimits.limits, from: limits)
        await host.answerReversals(of: CreditLimits.self, through: repository)
        try await host.run()
    }
}

struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Set a customer's credit limit.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The amount of the limit, such as 500.00.") var amount: String
    @Option(help: "The currency of the limit, an ISO 4217 code.") var currency = "USD"

    func run() async throws {
        let limit = try Money(amount, in: try Currency(currency))
        let reply = try await options.with(CreditLimits.serviceName) {
            try await $0.command(
                SetCreditLimit.name, SetCreditLimit(customer: customer, limit: limit))
        }
        try Output.reply(reply, json: options.json, "set the limit of \(customer) to \(limit)")
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a customer's credit limit, or all credit limits.",
        discussion: "Without a customer, --at and --position read the log from its start.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the customer (default: all customers).") var customer: String?

    func run() async throws {
        guard let customer else {
            return try await options.show(CreditLimits.limits, Nothing(), table)
        }
        try await options.show(CreditLimits.entity, customer) { table([$0]) }
    }

    private func table(_ views: [CreditLimitView]) {
        Output.table(
            ["customer", "limit", "reserved", "used", "available", "currency"],
            views.map { view in
                [view.id]
                    + [view.limit, view.reserved, view.used, view.available].map {
                        Money($0, view.currency).amountText
                    } + ["\(view.currency)"]
            })
    }
}
