public import ArgumentParser
import Foundation

/// A program of the suite.
public struct Executable: Sendable {
    public let name: String
    /// The root command.
    public let root: any ParsableCommand.Type

    public init(_ name: String, _ root: any ParsableCommand.Type) {
        self.name = name
        self.root = root
    }

    /// Runs it with the arguments of the process, and exits as ``Program/run(_:)`` says.
    public func run() async { await Program.run(root) }

    /// Runs the one that the process was started as: under its name, a link to this file say, or
    /// with it as the first argument.
    public static func run(oneOf executables: [Executable]) async {
        let called = URL(filePath: CommandLine.arguments.first ?? "").lastPathComponent
        if let executable = executables.first(where: { $0.name == called }) {
            return await executable.run()
        }
        let first = CommandLine.arguments.dropFirst().first
        if let executable = executables.first(where: { $0.name == first }) {
            return await Program.run(
                executable.root, Array(CommandLine.arguments.dropFirst(2)))
        }
        let names = executables.map(\.name).joined(separator: ", ")
        Output.warn("\(called): call it with one of: \(names)")
        Foundation.exit(EX_USAGE)
    }
}
