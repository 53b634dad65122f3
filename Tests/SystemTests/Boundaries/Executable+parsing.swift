import ArgumentParser
import AuditMain
import BalanceMain
import CommandLine
import CreditLimitMain
import CreditMain
import EventStoreCommandLine
import OrdersMain
import RouteMain
import Testing
import WithdrawMain

/// How a program's parser ends a command line that it does not run.
struct ParserAnswer {
    fileprivate let type: any ParsableCommand.Type
    fileprivate let error: any Error

    /// The exit status that the program would have.
    ///
    /// In a debug build, the parser takes a quarter of a second for this, because it prepares its
    /// usage.
    var status: Int32 { type.exitCode(for: error).rawValue }

    /// What the program would print. It takes as long as `status`.
    var text: String { type.fullMessage(for: error) }
}

extension Executable {
    static let all: [Executable] = [
        .orders, .route, .balance, .creditLimit, .withdraw, .credit, .eventStore, .audit,
    ]

    /// Returns the parser's answer to a command line, or nil if the command would run.
    ///
    /// It parses in this process, because a process for each command line would take minutes.
    static func answer(to command: [String]) async throws -> ParserAnswer? {
        let program = try #require(all.first { $0.name == command.first })
        let (type, words) = subcommand(of: program.root, command.dropFirst())
        do {
            if let type = type as? any AsyncParsableCommand.Type {
                _ = try await type.asyncParse(words)
            } else {
                _ = try type.parse(words)
            }
            return nil
        } catch {
            return ParserAnswer(type: type, error: error)
        }
    }

    /// Returns the subcommand that the words call, and its arguments. Parsing with the whole
    /// program takes longer.
    private static func subcommand(
        of type: any ParsableCommand.Type, _ words: ArraySlice<String>
    ) -> (any ParsableCommand.Type, [String]) {
        let below = type.configuration.subcommands
        if let next = below.first(where: { $0._commandName == words.first }) {
            return subcommand(of: next, words.dropFirst())
        }
        return (type.configuration.defaultSubcommand ?? type, Array(words))
    }
}
