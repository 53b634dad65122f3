public import ArgumentParser

/// A command of a program, which describes itself in static properties.
public protocol ProgramCommand: AsyncParsableCommand {
    /// The name of the command, or nil to derive it from the type, such as `replay` for `Replay`.
    static var commandName: String? { get }
    /// The abstract of the command, in the imperative.
    static var abstract: String { get }
    /// Further help text, or empty.
    static var discussion: String { get }
    /// The commands below it.
    static var subcommands: [any ParsableCommand.Type] { get }
}

extension ProgramCommand {
    /// The name of the type.
    public static var commandName: String? { nil }
    /// Nothing more.
    public static var discussion: String { "" }
    /// None.
    public static var subcommands: [any ParsableCommand.Type] { [] }

    /// The command's name and help for the argument parser.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: commandName, abstract: abstract, discussion: discussion,
            subcommands: subcommands)
    }
}
