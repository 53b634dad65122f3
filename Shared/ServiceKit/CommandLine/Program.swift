public import ArgumentParser
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import WireProtocol
import ZeroMQ

/// How every executable of the suite begins and ends.
public enum Program {
    /// Parses the arguments, runs the command, and exits: 0 when done, 64 for wrong usage, 65 for
    /// what is refused, 69 when a process can't be reached, 70 when something failed that should
    /// not.
    ///
    /// - Parameter arguments: those of the process, if nil.
    public static func run(_ root: any ParsableCommand.Type, _ arguments: [String]? = nil) async {
        // A reader that has had enough is no failure; output to it goes nowhere.
        signal(SIGPIPE, SIG_IGN)
        // With the signal ignored, a write beyond the limit on the size of files fails with an
        // error, which names the file.
        signal(SIGXFSZ, SIG_IGN)
        do {
            // Parsed so, a command may ask a process for what completes its arguments.
            let asyncRoot = root as? any AsyncParsableCommand.Type
            var command =
                try await asyncRoot?.asyncParseAsRoot(arguments) ?? root.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard let status = status(of: error) else { root.exit(withError: error) }
            complain(root.configuration.commandName ?? "", error)
            Foundation.exit(status)
        }
    }

    private static func complain(_ name: String, _ error: any Error) {
        var text = "\(name): \(error)"
        if case ZeroMQError.keysNeeded = error {
            text += " ('event-store keys new'; DAYBOOK_KEY and DAYBOOK_KEYRING name the files)"
        }
        Output.warn(text)
    }

    /// Nil for what the argument parser reports itself.
    private static func status(of error: any Error) -> Int32? {
        switch error {
        case let error as Problem: error.status
        case let error as ProtocolError: status(of: error.code)
        case is Unavailable, is ZeroMQError: EX_UNAVAILABLE
        case is any InputError, is EventSourcing.RecordError, is UnknownEvent,
            is ProjectionStopped, is ProjectedStore.Unusable:
            EX_DATAERR
        case is ValidationError, is CleanExit, is ExitCode: nil
        default:
            String(reflecting: type(of: error)).hasPrefix("ArgumentParser.") ? nil : EX_SOFTWARE
        }
    }

    private static func status(of code: ProtocolError.Code) -> Int32 {
        switch code {
        case .unavailable, .overloaded: EX_UNAVAILABLE
        case .internal, .malformed, .version: EX_SOFTWARE
        default: EX_DATAERR
        }
    }
}

/// A command's own complaint, in one line, and the status that goes with it.
public struct Problem: Error, Hashable, CustomStringConvertible {
    public let status: Int32
    public let description: String

    public init(status: Int32, _ description: String) {
        self.status = status
        self.description = description
    }

    /// What was given is not what it should be.
    public static func data(_ description: String) -> Problem {
        Problem(status: EX_DATAERR, description)
    }
}
