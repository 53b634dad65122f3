public import ArgumentParser
public import EventSourcing
import Foundation
import ServiceRuntime
import ZeroMQ

/// A program of the suite.
public struct Executable: Sendable {
    /// The name of the program, such as `orders`.
    public let name: String
    /// The root command of the program.
    public let root: any ParsableCommand.Type

    /// Creates a program.
    public init(_ name: String, _ root: any ParsableCommand.Type) {
        self.name = name
        self.root = root
    }

    /// Runs the program that the process was started as.
    ///
    /// The name of the executable file, which may be a link, or the first argument selects it.
    /// Without a match, the process exits with status 64.
    public static func run(oneOf executables: [Executable]) async {
        let called = URL(filePath: CommandLine.arguments.first ?? "").lastPathComponent
        if let executable = executables.first(where: { $0.name == called }) {
            return await executable.run()
        }
        let first = CommandLine.arguments.dropFirst().first
        if let executable = executables.first(where: { $0.name == first }) {
            return await executable.run(Array(CommandLine.arguments.dropFirst(2)))
        }
        let names = executables.map(\.name).joined(separator: ", ")
        Output.printError("\(called): the first argument must be one of: \(names)")
        Foundation.exit(EX_USAGE)
    }

    /// Runs the program and exits the process if the program fails.
    ///
    /// The exit status is 64 for wrong usage, 65 for rejected or unreadable input, 69 if a process
    /// can't be reached, 70 for an internal error and 74 for an input or output error.
    ///
    /// - Parameter arguments: the arguments, or nil for those of the process.
    public func run(_ arguments: [String]? = nil) async {
        // Before anything else, so that a supervisor may stop a process as soon as it exists.
        if (arguments ?? Array(CommandLine.arguments.dropFirst())).first == "serve" {
            endOnSignalWhileStarting()
        }
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
            if String(reflecting: type(of: error)).hasPrefix("ArgumentParser.") {
                exit(withParserError: error)
            }
            fail(error)
        }
    }

    /// Prints the help or the error message of the argument parser, and exits.
    private func exit(withParserError error: any Error) -> Never {
        let status = root.exitCode(for: error)
        let text = root.fullMessage(for: error)
        if status.isSuccess {
            do { try Output.write((text.isEmpty ? "" : text + "\n").utf8) } catch { fail(error) }
        } else if !text.isEmpty {
            // The message has several lines and quotes the command line.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                Output.printError(String(line))
            }
        }
        Foundation.exit(status.rawValue)
    }

    private func fail(_ error: any Error) -> Never {
        var text = "\(name): \(error)"
        if case ZeroMQError.keysNeeded = error {
            text +=
                "; set DAYBOOK_KEY and DAYBOOK_KEYRING to the files of 'event-store keys new'"
        }
        Output.printError(text)
        Foundation.exit(DaybookError.Kind(of: error).exitStatus)
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
