public import ArgumentParser
import Foundation

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

    /// Runs the program with the arguments of the process. See ``Program/run(_:_:)`` for its exit.
    public func run() async { await Program.run(root) }

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
            return await Program.run(
                executable.root, Array(CommandLine.arguments.dropFirst(2)))
        }
        let names = executables.map(\.name).joined(separator: ", ")
        Output.printError("\(called): the first argument must be one of: \(names)")
        Foundation.exit(EX_USAGE)
    }
}
