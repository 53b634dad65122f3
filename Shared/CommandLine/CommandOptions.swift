public import ArgumentParser
import Bytes
public import EventSourcing
import EventStoreClient
import WireProtocol

/// A command that a service carries out, and that can be repeated with its id.
///
/// The command declares these groups of options itself. Debug builds of the argument parser check
/// each group five times at each level of nesting, so no group contains another one.
public protocol RepeatableCommand: ProgramCommand {
    /// The options for the call to the service.
    var call: CallOptions { get }
    /// The option for the id of the command.
    var commandID: CommandIDOption { get }
}

extension RepeatableCommand {
    /// Sends a command to a service, and prints its outcome.
    ///
    /// - Parameters:
    ///   - name: the name of the call that carries the message.
    ///   - outcome: the outcome for people, such as `placed order o1`.
    ///   - id: the id of the command, if the message derives from it. The default is the given one,
    ///     or a new one.
    public func send(
        _ name: String, _ message: some Codable & Sendable, to service: String, _ outcome: String,
        id: EventID? = nil
    ) async throws {
        let reply = try await call.with(service) { client in
            try await commandID.repeatable(id) {
                try await client.command(name, message, id: $0, mayBeRepeat: $1)
            }
        }
        try Output.reply(reply, json: call.json, outcome)
    }
}

/// The option of every command that appends events.
public struct CommandIDOption: ParsableArguments {
    private static let name = "--command-id"

    /// The id on the command line, or nil.
    @Option(
        name: .customLong("command-id"),
        help: """
            The id of the command, a UUID. A command that is given again with its id takes effect \
            once (default: a new id).
            """,
        transform: { try EventID($0).orInvalid("it is not a UUID") })
    public var given: EventID?

    /// Creates the option. The argument parser sets its value.
    public init() {}

    /// Returns the result of `body`, which sends the command.
    ///
    /// - Parameters:
    ///   - id: the id of the command, or nil for the given one or a new one.
    ///   - body: gets the id, and whether an earlier program may have sent the command.
    /// - Throws: the error of `body`. If that leaves open whether the command took effect, the
    ///   error says how to repeat the command.
    public func repeatable<Result>(
        _ id: EventID? = nil, _ body: (EventID, Bool) async throws -> Result
    ) async throws -> Result {
        let id = id ?? given ?? .random()
        do {
            return try await body(id, given != nil)
        } catch let error as any ClassifiedError where error.isTemporary {
            let line = Self.repetition(of: CommandLine.arguments, with: id)
            let reason = error.description
            throw DaybookError(
                error.kind,
                reason + (reason.hasSuffix("?") ? "" : ".") + " The outcome is unknown: the "
                    + "command may have taken effect. Repeat it safely with: \(line)")
        }
    }

    /// Returns the command line that gives the command again with its id, for a shell.
    static func repetition(of arguments: [String], with id: EventID) -> String {
        var arguments = arguments
        if !arguments.contains(where: { $0 == name || $0.hasPrefix("\(name)=") }) {
            // Behind `--`, everything is an argument.
            let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
            arguments.insert(contentsOf: [name, id.description], at: end)
        }
        return arguments.map(quoted).joined(separator: " ")
    }

    /// Returns the argument as one word for a shell, on one line.
    private static func quoted(_ argument: String) -> String {
        if !argument.isEmpty, argument.utf8.allSatisfy(plain.contains) { return argument }
        let quotes = argument.split(separator: "'", omittingEmptySubsequences: false)
        guard argument.unicodeScalars.contains(where: \.isControl) else {
            return "'\(quotes.joined(separator: #"'\''"#))'"
        }
        return argument.unicodeScalars.reduce(into: "$'") { word, scalar in
            switch scalar {
            case "'", "\\": word += "\\\(scalar)"
            case _ where scalar.isControl:
                word += #"\U"# + UInt64(scalar.value).hexadecimal.suffix(8)
            default: word.unicodeScalars.append(scalar)
            }
        } + "'"
    }

    /// The characters that mean nothing to a shell.
    private static let plain = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:@/+-=,%".utf8)
}

extension Unicode.Scalar {
    /// Whether a terminal may act on it instead of showing it.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
