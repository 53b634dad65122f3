import ArgumentParser
import CloudEvents
import CommandLine
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

extension Rules {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which events a pattern matches, without sending them to a queue.",
            discussion: "The exit status is 0 if the pattern matches an event, and 1 if not.")

        @OptionGroup var options: CallOptions
        @Option(help: "The event pattern, as JSON or @FILE.") var pattern: String?
        @Option(help: "The rule whose pattern to test.", completion: .custom(BusNames.rules))
        var rule: String?
        @Option(
            help: """
                A file with one event, as 'read --json' and 'export' write it; '-' for standard \
                input.
                """,
            completion: .file())
        var event: String?
        @Option(help: "The event's stream, instead of its subject.") var stream: String?
        @Option(help: "How many of the log's last events to test.") var last: UInt64?

        func validate() throws {
            guard (pattern == nil) != (rule == nil) else {
                throw ValidationError("give --pattern or --rule, but not both")
            }
            guard (event == nil) != (last == nil) else {
                throw ValidationError("give --event or --last, but not both")
            }
            guard last != 0 else { throw ValidationError("--last must be at least 1") }
        }

        func run() async throws {
            let pattern = try await eventPattern()
            let isMatched =
                if let event {
                    try matches(
                        try RecordedEvent(file: event, in: try stream.map { try StreamName($0) }),
                        pattern)
                } else {
                    try await matchesAny(pattern)
                }
            if !isMatched { throw ExitCode(1) }
        }

        private func eventPattern() async throws -> EventPattern {
            if let pattern { return try EventPattern(try PatternText.read(pattern)) }
            return try EventPattern(try await options.rule(rule ?? "").rule.pattern)
        }

        private func matches(_ event: RecordedEvent, _ pattern: EventPattern) throws -> Bool {
            let isMatched = pattern.matches(event)
            if options.json {
                try Output.json(["matches": isMatched])
            } else {
                print(isMatched ? "match" : "no match")
            }
            return isMatched
        }

        /// Prints the log's last events that match, and returns whether there are any.
        private func matchesAny(_ pattern: EventPattern) async throws -> Bool {
            try await options.withStore { client in
                let welcome = try await client.welcome(timeout: options.timeoutDuration)
                let printer = EventPrinter(log: welcome.log, json: options.json)
                let count = min(last ?? 0, welcome.head)
                var matched = 0
                if count > 0 {
                    let request = ReadRequest(from: welcome.head - count + 1, to: welcome.head)
                    try await client.read(request, timeout: options.timeoutDuration) { events in
                        let found = events.filter {
                            // Rules never see the bus's own events.
                            !BusCategory.all.contains($0.category) && pattern.matches($0)
                        }
                        matched += found.count
                        try printer.print(found)
                    }
                }
                if !options.json { print("\(matched) of the last \(count) events match") }
                return matched > 0
            }
        }
    }
}

extension RecordedEvent {
    /// Reads the one CloudEvent that a file holds.
    ///
    /// - Throws: `DaybookError` if the file does not hold exactly one event.
    fileprivate init(file path: String, in stream: StreamName?) throws {
        let lines = try InputFile.data(path).split(separator: UInt8(ascii: "\n"))
        guard lines.count == 1 else {
            throw DaybookError(
                .invalid, "\(path) must hold one line with an event, not \(lines.count) lines")
        }
        do {
            try self.init(cloudEvent: Array(lines[0]), in: stream)
        } catch  where DaybookError.Kind(of: error) == .invalid {
            throw DaybookError(.invalid, "\(path): \(error)")
        }
    }
}
