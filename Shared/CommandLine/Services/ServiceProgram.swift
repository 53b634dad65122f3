public import ArgumentParser
import Logging
public import ServiceRuntime
import ZeroMQ

/// A service's executable: its own commands, besides those that every service has.
///
/// Every service has `serve`, `reverse`, `status`, `health` and `rebuild`. A service that shows
/// entities by id also has `diff`.
public protocol ServiceProgram: Service where Settings: ParsableArguments {
    /// The abstract of the executable, in the imperative.
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

extension NoSettings: ParsableArguments {}

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
        (S.self as? any EntityService.Type).map { [$0.diff] } ?? []
    }
}

extension EntityService {
    fileprivate static var diff: any ParsableCommand.Type { Diff<Self>.self }
}

/// The `serve` command of every service.
struct Serve<S: ServiceProgram>: ProgramCommand {
    static var commandName: String? { "serve" }
    static var abstract: String { "Run the service." }

    /// The options of every service.
    @OptionGroup var options: ServeOptions
    /// The options for logs and metrics.
    @OptionGroup var process: ProcessOptions
    /// The options of this service.
    @OptionGroup var settings: S.Settings

    /// Runs the service until SIGTERM or SIGINT.
    func run() async throws {
        makeNewFilesPrivate()
        Descriptors.raiseLimit()
        let configuration = try options.configuration(of: S.name, process)
        if let warning = accessWarning(for: configuration.home) {
            configuration.logger(S.name).warning("\(warning)")
        }
        let host = try await ServiceHost(S.self, settings, configuration)
        try await host.run()
    }
}
