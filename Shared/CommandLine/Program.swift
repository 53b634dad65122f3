public import ArgumentParser
public import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol
import ZeroMQ

/// The entry point of every executable of the suite.
public enum Program {
    /// Runs a command with the arguments and exits the process if the command fails.
    ///
    /// The exit status is 64 for wrong usage, 65 for rejected or unreadable input, 69 if a process
    /// can't be reached, 70 for an internal error and 74 for an input or output error.
    ///
    /// - Parameters:
    ///   - root: the root command.
    ///   - arguments: the arguments, or nil for those of the process.
    public static func run(_ root: any ParsableCommand.Type, _ arguments: [String]? = nil) async {
        // A reader such as `head` may close the pipe early. That is not a failure, so the rest of
        // the output is dropped.
        signal(SIGPIPE, SIG_IGN)
        // The signal would end the process without a message. Ignored, the write beyond the file
        // size limit fails with an error that names the file.
        signal(SIGXFSZ, SIG_IGN)
        do {
            // Only asynchronous parsing allows completions that ask a process for its names.
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
            report(root.configuration.commandName ?? "", error)
            Foundation.exit(status)
        }
    }

    private static func report(_ name: String, _ error: any Error) {
        var text = "\(name): \(error)"
        if case ZeroMQError.keysNeeded = error {
            text += "; set DAYBOOK_KEY and DAYBOOK_KEYRING to the files of 'event-store keys new'"
        }
        Output.printError(text)
    }

    /// Returns the exit status for an error, or nil if the argument parser reports the error.
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
