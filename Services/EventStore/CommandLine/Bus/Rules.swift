import ArgumentParser
import CloudEvents
import CommandLine
import EventBus
import EventPattern
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Rules: ProgramCommand {
    static let abstract = "Manage rules, which say which events go to which queues."
    static let subcommands: [any ParsableCommand.Type] = [
        Put.self, BusList<RuleView>.self, BusShow<RuleView>.self, Enable.self, Disable.self,
        Delete.self, Apply.self, Test.self,
    ]
}

extension RuleView: BusViewWithHistory {
    static let kind = "rule"
    static let query = BusCall.rules
    static let category = BusCategory.rule
    static let listAbstract = "List the rules."
    static let showAbstract =
        "Show a rule, and how many events it matched since the store's start."

    static var columns: [Output.Column<RuleView>] {
        [
            ("rule", \.name), ("state", \.state), ("matched", \.matched),
            ("targets", { $0.targets(separator: ",") }), ("description", \.rule.description),
        ]
    }

    var name: String { rule.name }

    var fields: [Output.Field] {
        [
            ("rule", name), ("description", rule.description), ("state", state),
            ("targets", targets(separator: ", ")), ("matched", matched),
            ("changed", "\(changedAt) by \(changedBy)"), ("pattern", rule.pattern),
        ]
    }

    private var state: String {
        (rule.isEnabled ? "enabled" : "disabled") + (isManaged ? ", managed" : "")
    }

    private func targets(separator: String) -> String {
        rule.targets.map(\.description).joined(separator: separator)
    }
}

/// Reads the files that a command line names.
enum InputFile {
    /// Returns the content of a file, or of standard input for `-`.
    ///
    /// - Throws: `invalid` if the file can't be read.
    static func data(_ path: String) throws -> Data {
        do {
            guard path != "-" else { return try FileHandle.standardInput.readToEnd() ?? Data() }
            return try Data(contentsOf: URL(filePath: path))
        } catch {
            throw DaybookError(.invalid, "\(path) can't be read: \(error.localizedDescription)")
        }
    }

    /// Returns the event pattern that an option gives: the text itself, or `@` and the path of a
    /// file.
    ///
    /// - Throws: `invalid` if the file can't be read or is not UTF-8.
    static func pattern(_ argument: String) throws -> String {
        guard argument.hasPrefix("@") else { return argument }
        let path = String(argument.dropFirst())
        return try String(validating: try data(path), as: UTF8.self)
            .orThrow(.invalid, "\(path) is not UTF-8")
    }
}

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
    struct Put: RepeatableCommand {
        static let abstract = "Create a rule, or replace one completely."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: RuleView.self) var name: String
        @OptionGroup var commandID: CommandIDOption
        @Option(help: "The event pattern, as JSON or @FILE.") var pattern: String
        @Option(
            help: "A queue that gets the matching events; may be repeated.",
            completion: .names(of: QueueView.self))
        var target: [String]
        @Option(help: "The purpose of the rule.") var description = ""
        @Flag(help: "Leave the rule disabled: it sends nothing until it is enabled.")
        var disabled = false

        func run() async throws {
            let definition = RuleDefinition(
                name: name, description: description, pattern: try InputFile.pattern(pattern),
                targets: target.map { RuleTarget($0) }, isEnabled: !disabled)
            try await sendToBus(BusCall.putRule, definition, "put rule \(name)")
        }
    }

    struct Enable: RepeatableCommand {
        static let abstract = "Enable a rule for the events that are committed from now on."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: RuleView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            try await sendToBus(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: true),
                "enabled rule \(name)")
        }
    }

    struct Disable: RepeatableCommand {
        static let abstract =
            "Disable a rule; events that are already in queues are still delivered."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: RuleView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            try await sendToBus(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: false),
                "disabled rule \(name)")
        }
    }

    struct Delete: RepeatableCommand {
        static let abstract =
            "Delete a rule; events that are already in queues are still delivered."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: RuleView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            try await sendToBus(BusCall.deleteRule, name, "deleted rule \(name)")
        }
    }

    struct Apply: RepeatableCommand {
        static let abstract = "Create the queues and rules of a file, and change those that differ."
        static let discussion = """
            Queues and rules that the file does not name stay as they are. The whole file is \
            checked before anything is changed.
            """

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @Argument(help: "The JSON file; '-' for standard input.", completion: .file())
        var file: String

        func run() async throws {
            let wiring = try Wiring(file: file)
            do {
                try await call.withBus { bus in
                    try await commandID.repeatable { id, mayBeRepeat in
                        try await wiring.apply(to: bus, id, mayBeRepeat: mayBeRepeat) { outcome in
                            if call.json { return try Output.json(outcome) }
                            try Output.print("\(outcome.kind) \(outcome.name): \(outcome.result)")
                        }
                    }
                }
            } catch let error as DaybookError where error.kind == .invalid {
                throw DaybookError(.invalid, "\(file): \(error)")
            }
        }
    }

    struct Test: ProgramCommand {
        static let abstract =
            "Show which events a pattern matches, without sending them to a queue."
        static let discussion =
            "The exit status is 0 if the pattern matches an event, and 1 if not."

        @OptionGroup var options: CallOptions
        @Option(help: "The event pattern, as JSON or @FILE.") var pattern: String?
        @Option(help: "The rule whose pattern to test.", completion: .names(of: RuleView.self))
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
            try require((pattern == nil) != (rule == nil), "give --pattern or --rule, but not both")
            try require((event == nil) != (last == nil), "give --event or --last, but not both")
            try require(last != 0, "--last must be at least 1")
        }

        func run() async throws {
            let pattern = try await eventPattern()
            let isMatched =
                if let event {
                    try matches(file: event, pattern)
                } else {
                    try await matchesAny(pattern)
                }
            if !isMatched { throw ExitCode(1) }
        }

        private func eventPattern() async throws -> EventPattern {
            if let pattern { return try EventPattern(try InputFile.pattern(pattern)) }
            let view: RuleView = try await options.withBus { try await $0.view(of: rule ?? "") }
            return try EventPattern(view.rule.pattern)
        }

        /// Prints whether the event in a file matches, and returns it.
        private func matches(file: String, _ pattern: EventPattern) throws -> Bool {
            let event = try RecordedEvent(file: file, in: try stream.map { try StreamName($0) })
            let isMatched = pattern.matches(event)
            if options.json {
                try Output.json(["matches": isMatched])
            } else {
                try Output.print(isMatched ? "match" : "no match")
            }
            return isMatched
        }

        /// Prints the log's last events that match, and returns whether there are any.
        private func matchesAny(_ pattern: EventPattern) async throws -> Bool {
            try await options.withStore { client in
                let welcome = try await client.welcome()
                let printer = EventPrinter(log: welcome.log, json: options.json)
                let count = min(last ?? 0, welcome.head)
                var matched = 0
                if count > 0 {
                    let request = ReadRequest(from: welcome.head - count + 1, to: welcome.head)
                    try await client.read(request) { events in
                        let found = events.filter {
                            // Rules never see the store's own events and skipped ones.
                            !$0.category.hasPrefix("$") && !$0.isSkipped && pattern.matches($0)
                        }
                        matched += found.count
                        try printer.print(found)
                    }
                }
                if !options.json {
                    try Output.print("\(matched) of the last \(count) events match")
                }
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
        try require(
            lines.count == 1, .invalid,
            "\(path) must hold one line with an event, not \(lines.count) lines")
        do {
            try self.init(cloudEvent: Array(lines[0]), in: stream)
        } catch  where DaybookError.Kind(of: error) == .invalid {
            throw DaybookError(.invalid, "\(path): \(error)")
        }
    }
}
