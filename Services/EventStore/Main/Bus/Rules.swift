import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Rules: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Which events go to which queues.",
        subcommands: [
            Put.self, List.self, Show.self, Enable.self, Disable.self, Delete.self, Apply.self,
            Test.self,
        ])
}

extension CallOptions {
    func rules() async throws -> [RuleView] {
        try await withBus { try await $0.query(BusCall.rules, Nothing()) }
    }

    func rule(_ name: String) async throws -> RuleView {
        guard let view = try await rules().first(where: { $0.rule.name == name }) else {
            throw DaybookError(.invalid, "there is no rule '\(name)'")
        }
        return view
    }
}

extension RuleView {
    fileprivate var state: String {
        (rule.isEnabled ? "enabled" : "disabled") + (isManaged ? ", managed" : "")
    }
}

/// The text of an event pattern: as it is given, or that of a file, behind an `@`.
enum PatternText {
    static func read(_ argument: String) throws -> String {
        guard argument.hasPrefix("@") else { return argument }
        return try InputFile.text(String(argument.dropFirst()))
    }
}

enum InputFile {
    /// What a file holds, or standard input, for `-`.
    static func data(_ path: String) throws -> Data {
        do {
            guard path != "-" else { return try FileHandle.standardInput.readToEnd() ?? Data() }
            return try Data(contentsOf: URL(filePath: path))
        } catch {
            throw DaybookError(.invalid, "\(path) can't be read: \(error.localizedDescription)")
        }
    }

    static func text(_ path: String) throws -> String {
        guard let text = String(validating: try data(path), as: UTF8.self) else {
            throw DaybookError(.invalid, "\(path) is not UTF-8")
        }
        return text
    }
}

extension Rules {
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a rule, or change one: all of it, as it is given.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The rule.", completion: .custom(BusNames.rules)) var name: String
        @Option(help: "The event pattern, JSON; @FILE, if it is in a file.") var pattern: String
        @Option(
            help: "A queue that what matches goes to; may be repeated.",
            completion: .custom(BusNames.queues))
        var target: [String]
        @Option(help: "What it is for.") var description = ""
        @Flag(help: "It does nothing until it is enabled.") var disabled = false

        func run() async throws {
            let rule = RuleDefinition(
                name: name, description: description, pattern: try PatternText.read(pattern),
                targets: target, isEnabled: !disabled)
            try await options.command(BusCall.putRule, rule, "put rule \(name)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the rules.")

        @OptionGroup var options: CallOptions

        func run() async throws {
            try options.list(
                try await options.rules(), ["rule", "state", "matched", "targets", "description"]
            ) { view in
                [
                    view.rule.name, view.state, "\(view.matched)",
                    view.rule.targets.joined(separator: ","), view.rule.description,
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a rule, and what it has matched since the event store was started.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The rule.", completion: .custom(BusNames.rules)) var name: String
        @Flag(help: "Show who changed it, when and how; that of one that is deleted, too.")
        var history = false

        func run() async throws {
            if history {
                return try await options.printHistory(BusCategory.rule, name, of: "rule")
            }
            let view = try await options.rule(name)
            try options.show(
                view,
                [
                    ("rule", view.rule.name), ("description", view.rule.description),
                    ("state", view.state), ("targets", view.rule.targets.joined(separator: ", ")),
                    ("matched", "\(view.matched)"),
                    ("changed", "\(view.changedAt) by \(view.changedBy)"),
                    ("pattern", view.rule.pattern),
                ])
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a rule send on what is committed from now on.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The rule.", completion: .custom(BusNames.rules)) var name: String

        func run() async throws {
            try await options.command(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: true),
                "enabled rule \(name)")
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a rule rest; what its queues hold is delivered all the same.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The rule.", completion: .custom(BusNames.rules)) var name: String

        func run() async throws {
            try await options.command(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: false),
                "disabled rule \(name)")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a rule; what its queues hold is delivered all the same.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The rule.", completion: .custom(BusNames.rules)) var name: String

        func run() async throws {
            try await options.command(BusCall.deleteRule, name, "deleted rule \(name)")
        }
    }
}
