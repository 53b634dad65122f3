public import ArgumentParser
public import ServiceRuntime

/// The `serve` command of every service.
public struct Serve<S: ServiceProgram>: AsyncParsableCommand {
    /// The command's name and help.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "serve", abstract: "Run the service.")
    }

    /// The options of every service.
    @OptionGroup public var options: ServeOptions
    /// The options of this service.
    @OptionGroup public var settings: S.Settings

    /// Creates the command. The argument parser sets its values.
    public init() {}

    /// Runs the service until SIGTERM or SIGINT.
    public func run() async throws {
        endOnSignalWhileStarting()
        let host = try await ServiceHost(
            S.self, settings, try options.configuration(of: S.name))
        try await host.run()
    }
}

extension NoSettings: ParsableArguments {}
