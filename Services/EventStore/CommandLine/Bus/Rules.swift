import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Rules: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage rules, which say which events go to which queues.",
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

/// Reads an event pattern from an option: the text itself, or `@` and the path of a file.
enum PatternText {
    static func read(_ argument: String) throws -> String {
        guard argument.hasPrefix("@") else { return argument }
        return try InputFile.text(String(argument.dropFirst()))
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

    /// Returns the content of a file as UTF-8 text.
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
            abstract: "Create a rule, or replace one completely.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the rule.", completion: .custom(BusNames.rules))
        var name: String
        @Option(help: "The event pattern, as JSON or @FILE.") var pattern: String
        @Option(
            help: "A queue that gets the matching events; may be repeated.",
            completion: .custom(BusNames.queues))
        var target: [String]
        @Option(help: "The purpose of the rule.") var description = ""
        @Flag(help: "Leave the rule disabled: it sends nothing until it is enabled.")
        var disabled = false

        func run() async throws {
            let rule = RuleDefinition(
                name: name, description: description, pattern: try PatternText.read(pattern),
                targets: target.map { RuleTarget($0) }, isEnabled: !disabled)
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
                    view.rule.targets.map(\.description).joined(separator: ","),
                    view.rule.description,
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a rule, and how many events it matched since the store's start.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the rule.", completion: .custom(BusNames.rules))
        var name: String
        @Flag(help: "Show who changed the rule, when and how, even if it is deleted.")
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
                    ("state", view.state),
                    (
                        "targets", view.rule.targets.map(\.description).joined(separator: ", ")
                    ),
                    ("matched", "\(view.matched)"),
                    ("changed", "\(view.changedAt) by \(view.changedBy)"),
                    ("pattern", view.rule.pattern),
                ])
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enable a rule for the events that are committed from now on.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the rule.", completion: .custom(BusNames.rules))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: true),
                "enabled rule \(name)")
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Disable a rule; events that are already in queues are still delivered.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the rule.", completion: .custom(BusNames.rules))
        var name: String

        func run() async throws {
            try await options.command(
                BusCall.setRuleEnabled, SetRuleEnabled(name: name, isEnabled: false),
                "disabled rule \(name)")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a rule; events that are already in queues are still delivered.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the rule.", completion: .custom(BusNames.rules))
        var name: String

        func run() async throws {
            try await options.command(BusCall.deleteRule, name, "deleted rule \(name)")
        }
    }
}
