import ArgumentParser
import CommandLine
import EventBus
import EventSourcing
import Foundation

extension Wiring {
    /// Reads the file at `path`, or standard input for `-`.
    ///
    /// - Throws: `invalid` for the first fault, with the path and the place.
    init(file path: String) throws {
        let json = try InputFile.data(path)
        do {
            try self.init(json)
        } catch let error as DaybookError {
            throw DaybookError(.invalid, "\(path): \(error)")
        }
    }
}

extension Rules {
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create the queues and rules of a file, and change those that differ.",
            discussion: """
                Queues and rules that the file does not name stay as they are. The whole file is \
                checked before anything is changed.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The JSON file; '-' for standard input.", completion: .file())
        var file: String

        func run() async throws {
            let wiring = try Wiring(file: file)
            do {
                try await options.withBus { bus in
                    try await wiring.apply(to: bus) { outcome in
                        if options.json { return try Output.json(outcome) }
                        print("\(outcome.kind) \(outcome.name): \(outcome.result)")
                    }
                }
            } catch let error as DaybookError {
                throw DaybookError(.invalid, "\(file): \(error)")
            }
        }
    }
}
