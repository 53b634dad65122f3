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

struct Earn: RepeatableCommand {
    static let abstract = "Give a customer an order's points."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The id of the order, which earns points once.") var order: String
    @Argument(help: "The amount that was paid, such as 11.77.") var paid: String
    @Option(help: "The currency of the amount, an ISO 4217 code.") var currency = "USD"

    func run() async throws {
        let paid = try Money(paid, in: try Currency(currency))
        try await send(
            EarnPoints.name, EarnPoints(customer: customer, order: order, paid: paid),
            to: LoyaltyService.name, "gave \(customer) the points of \(order)")
    }
}

struct Redeem: RepeatableCommand {
    static let abstract = "Redeem a customer's points."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The number of points to redeem.") var points: Int64

    func run() async throws {
        try await send(
            RedeemPoints.name, RedeemPoints(customer: customer, points: points),
            to: LoyaltyService.name, "redeemed \(points) points of \(customer)")
    }
}

struct Show: QueryCommand {
    static let abstract = "Show a customer's points."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the customer.") var customer: String

    func run() async throws {
        try await show(LoyaltyService.entity, customer) { view in
            try Output.fields(view.fields.map { ($0.name, $0.value ?? "-") })
        }
    }
}
