public import ArgumentParser
public import EventSourcing
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

    /// Returns nil for the errors that the argument parser reports itself.
    private static func status(of error: any Error) -> Int32? {
        switch error {
        case is ValidationError, is CleanExit, is ExitCode: nil
        default:
            String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
                ? nil : DaybookError.Kind(of: error).exitStatus
        }
    }
}

extension DaybookError.Kind {
    /// The exit status of a program that ends with an error of this kind, from sysexits.h.
    public var exitStatus: Int32 {
        switch self {
        case .usage: EX_USAGE
        case .invalid, .notFound, .rejected, .denied, .unreadable, .damaged: EX_DATAERR
        case .unavailable, .overloaded: EX_UNAVAILABLE
        case .storage: EX_IOERR
        case .internal: EX_SOFTWARE
        }
    }
}
