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
    public static let creditLimit = Executable(CreditLimitService.self)
}

extension CreditLimitService: ServiceProgram {
    static let abstract = "Set and show the credit limits of customers."
    static let subcommands: [any ParsableCommand.Type] = [Set.self, Show.self]
}

struct Set: RepeatableCommand {
    static let abstract = "Set a customer's credit limit."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The amount of the limit, such as 500.00.") var amount: String
    @Option(help: "The currency of the limit, an ISO 4217 code.") var currency = "USD"

    func run() async throws {
        let limit = try Money(amount, in: try Currency(currency))
        try await send(
            SetCreditLimit.name, SetCreditLimit(customer: customer, limit: limit),
            to: CreditLimitService.name, "set the limit of \(customer) to \(limit)")
    }
}

struct Show: QueryCommand {
    static let abstract = "Show a customer's credit limit, or all credit limits."
    static let discussion = "Without a customer, --at and --position read the log from its start."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the customer (default: all customers).") var customer: String?

    func run() async throws {
        try await show(customer, orAll: CreditLimitService.limits) {
            try Output.table(
                $0, id: "customer", ["limit", "reserved", "used", "available", "currency"])
        }
    }
}
