import ArgumentParser
import Contracts
import CreditLimitDomain
import EventSourcing
import ServiceKit

@main struct CreditLimits: AsyncParsableCommand, NamedService {
    static let serviceName = "creditLimit"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "The credit that customers have.",
        subcommands: [
            Serve.self, Set.self, Show.self, Status<CreditLimits>.self, Rebuild<CreditLimits>.self,
        ])

    static func main() async { await Program.run(Self.self) }
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
        await host.query("limit") { (id: String, atLeast) in
            guard let view = try await limits.read(atLeast: atLeast, { $0.limits[id] }) else {
                throw Refusal(description: "customer \(id) has no credit limit")
            }
            return view
        }
        await host.query("limits") { (_: Nothing, atLeast) in
            try await limits.read(atLeast: atLeast) { $0.limits.sorted }
        }
        try await host.run()
    }
}

struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Set a customer's credit limit.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The customer.") var customer: String
    @Argument(help: "The limit, such as 500.00.") var amount: String
    @Option(help: "The currency of the limit.") var currency = "USD"

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
        abstract: "Show a customer's limit, or all of them.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The customer.") var customer: String?

    func run() async throws {
        let views = try await options.with(CreditLimits.serviceName) { client in
            guard let customer else {
                return try await client.query("limits", Nothing(), as: [CreditLimitView].self)
            }
            return [try await client.query("limit", customer, as: CreditLimitView.self)]
        }
        if options.json { return try customer == nil ? Output.json(views) : Output.json(views[0]) }
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
