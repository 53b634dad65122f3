public import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

extension MovementService {
    /// `make` and `list`.
    public static var subcommands: [any ParsableCommand.Type] {
        [Make<Self>.self, List<Self>.self]
    }
    /// `make`.
    public static var defaultSubcommand: (any ParsableCommand.Type)? { Make<Self>.self }
}

private struct Make<S: MovementService>: RepeatableCommand {
    static var commandName: String? { "make" }
    static var abstract: String { S.abstract }
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the account.") var account: String
    @Argument(help: "The amount, such as 11.77.") var amount: String
    @Option(help: "The currency of the amount, an ISO 4217 code.") var currency = "USD"
    @Option(help: "The reference of the \(S.noun), shown in statements.") var reference = ""

    func run() async throws {
        let money = try Money(amount, in: try Currency(currency))
        try await send(
            S.call, S.message(account, money, reference), to: S.name,
            "\(S.pastTense) \(money)")
    }
}

private struct List<S: MovementService>: QueryCommand {
    static var commandName: String? { "list" }
    static var abstract: String { "List the \(S.noun)s of an account." }
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the account.") var account: String

    func run() async throws {
        try await show(S.movements, account) { views in
            try Output.table(
                ["time", "amount", "reference"],
                views.map { ["\($0.time)", "\(Money($0.amount, $0.currency))", $0.reference] })
        }
    }
}
