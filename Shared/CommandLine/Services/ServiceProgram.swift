public import ArgumentParser
public import ServiceRuntime

/// A service's executable: what its command line has beside the commands of every service.
///
/// Every service has `serve`, `reverse`, `status`, `health` and `rebuild`. A service that shows
/// entities by id also has `diff`.
public protocol ServiceProgram: Service where Settings: ParsableArguments {
    /// What the executable does, as an imperative.
    static var abstract: String { get }
    /// The service's own commands.
    static var subcommands: [any ParsableCommand.Type] { get }
    /// The command that runs if none is named, or nil. The default is nil.
    static var defaultSubcommand: (any ParsableCommand.Type)? { get }
}

extension ServiceProgram {
    /// None.
    public static var defaultSubcommand: (any ParsableCommand.Type)? { nil }
}

extension Executable {
    /// Creates the program of a service.
    public init<S: ServiceProgram>(_ service: S.Type) {
        self.init(S.name, ServiceCommands<S>.self)
    }
}

/// The root command of a service's executable.
private struct ServiceCommands<S: ServiceProgram>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: S.name, abstract: S.abstract,
            subcommands: [Serve<S>.self] + S.subcommands + diff
                + [Reverse<S>.self, Status<S>.self, Health<S>.self, Rebuild<S>.self],
            defaultSubcommand: S.defaultSubcommand)
    }

    private static var diff: [any ParsableCommand.Type] {
        func diff<Shown: EntityService>(_: Shown.Type) -> any ParsableCommand.Type {
            Diff<Shown>.self
        }
        return (S.self as? any EntityService.Type).map { [diff($0)] } ?? []
    }
}
