import ArgumentParser
public import CommandLine
import Contracts
import EventStoreClient
import LoyaltyDomain
import ServiceRuntime

extension Executable {
    /// The executable `loyalty`.
    public static let loyalty = Executable(LoyaltyService.self)
}

extension LoyaltyService: ServiceProgram {
    static let abstract = "Earn, redeem and show the points of customers."
    static let subcommands: [any ParsableCommand.Type] = [Earn.self, Redeem.self, Show.self]
}

struct Earn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Give a customer an order's points.")
    @OptionGroup var options: CommandOptions
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The id of the order, which earns points once.") var order: String
    @Argument(help: "The amount that was paid, such as 11.77.") var paid: String
    @Option(help: "The currency of the amount, an ISO 4217 code.") var currency = "USD"

    func run() async throws {
        let paid = try Money(paid, in: try Currency(currency))
        try await options.command(
            EarnPoints.name, EarnPoints(customer: customer, order: order, paid: paid),
            to: LoyaltyService.name, "gave \(customer) the points of \(order)")
    }
}

struct Redeem: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Redeem a customer's points.")
    @OptionGroup var options: CommandOptions
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The number of points to redeem.") var points: Int64

    func run() async throws {
        try await options.command(
            RedeemPoints.name, RedeemPoints(customer: customer, points: points),
            to: LoyaltyService.name, "redeemed \(points) points of \(customer)")
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a customer's points.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the customer.") var customer: String

    func run() async throws {
        try await options.show(LoyaltyService.entity, customer) { view in
            try Output.fields(view.fields.map { ($0.name, $0.value ?? "-") })
        }
    }
}
