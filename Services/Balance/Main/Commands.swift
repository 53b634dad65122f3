import ArgumentParser
public import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Observability
import WireProtocol

extension Executable {
    /// The executable `balance`.
    public static let balance = Executable(BalanceService.self)
}

extension BalanceService: ServiceProgram {
    static let abstract = "Open accounts, and show balances and the money held for orders."
    static let subcommands: [any ParsableCommand.Type] = [
        Open.self, Show.self, Statement.self,
    ]
}

struct Open: RepeatableCommand {
    static let abstract = "Open an account."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the account, which is its customer's id.") var account: String
    @Option(help: "The currency of the account, an ISO 4217 code.") var currency = "USD"

    func run() async throws {
        let command = OpenAccount(
            account: account, currency: try Currency(currency), openedAt: .now())
        try await send(
            OpenAccount.name, command, to: BalanceService.name, "opened account \(account)")
    }
}

struct Show: QueryCommand {
    static let abstract = "Show an account, or all of them."
    static let discussion = "Without an account, --at and --position read the log from its start."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the account (default: all accounts).") var account: String?

    func run() async throws {
        try await show(account, orAll: BalanceService.accounts) {
            try Output.table($0, id: "account", ["balance", "funds", "held", "owed", "currency"])
        }
    }
}

struct Statement: QueryCommand {
    static let abstract = "Show every change of an account's balance and held money."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the account.") var account: String

    func run() async throws {
        try await show(BalanceService.statement, account) { entries in
            try Output.table(
                ["time", "kind", "change", "held", "balance", "for"],
                entries.map { entry in
                    ["\(entry.time)", entry.kind.rawValue]
                        + [entry.change, entry.heldChange, entry.balanceAfter].map {
                            Money($0, entry.currency).amountText
                        } + [entry.order ?? entry.reference ?? ""]
                })
        }
    }
}
