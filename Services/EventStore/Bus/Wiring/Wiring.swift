import EventPattern
import EventSourcing
public import Foundation
import JSON
import WireProtocol

/// The queues and rules of a file such as `rules.json`:
///
///     {"queues": [{"name": "invoices", "visibilityTimeout": 60}],
///      "rules": [{"name": "invoicing", "pattern": {"detail-type": ["OrderConfirmed"]},
///                 "targets": ["invoices"]}]}
///
/// `QueueDefinition` has the members of a queue. A rule's pattern is an object, or its text.
public struct Wiring: Sendable {
    let queues: [QueueDefinition]
    let rules: [RuleDefinition]

    /// Reads the content of a file.
    ///
    /// - Throws: `invalid` for the first fault, with its place.
    public init(_ json: Data) throws {
        let file: File
        do {
            file = try JSON.decode(File.self, from: json)
            let given = try JSON.decode(JSONValue.self, from: json)
            if let place = given.memberUnknown(to: try file.asJSON()) {
                throw DaybookError(.invalid, "\(place): there is no such member")
            }
        } catch let error as DecodingError {
            throw DaybookError(.invalid, error.oneLine)
        }
        queues = file.queues
        rules = try file.rules.map { try $0.definition() }
        try check()
    }

    /// Checks each queue and rule by itself, and that no name is used twice.
    private func check() throws {
        for (index, queue) in queues.enumerated() {
            if let fault = queue.fault {
                throw DaybookError(.invalid, "queues[\(index)]: \(fault)")
            }
        }
        for (index, rule) in rules.enumerated() {
            if let fault = rule.fault { throw DaybookError(.invalid, "rules[\(index)]: \(fault)") }
            do throws(EventPatternError) {
                _ = try EventPattern(rule.pattern)
            } catch {
                throw DaybookError(.invalid, "rules[\(index)]: \(error)")
            }
        }
        try Self.checkOnce(queues.map(\.name), "queues")
        try Self.checkOnce(rules.map(\.name), "rules")
    }

    private static func checkOnce(_ names: [String], _ list: String) throws {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !seen.insert(name).inserted {
            throw DaybookError(.invalid, "\(list)[\(index)]: '\(name)' is defined twice")
        }
    }

    /// Checks the file against the existing queues: a queue must keep its grouping and its start,
    /// and a rule's targets must exist.
    func check(against there: [QueueDefinition]) throws(DaybookError) {
        for (index, queue) in queues.enumerated() {
            guard let known = there.first(where: { $0.name == queue.name }) else { continue }
            guard known.grouping == queue.grouping, known.start == queue.start else {
                throw DaybookError(
                    .invalid,
                    "queues[\(index)]: queue '\(queue.name)' exists, and its grouping "
                        + "\(known.grouping) and start \(known.start) can't change")
            }
        }
        let names = Set((queues + there).map(\.name))
        for (index, rule) in rules.enumerated() {
            if let target = rule.targets.first(where: { !names.contains($0.description) }) {
                throw DaybookError(
                    .invalid,
                    "rules[\(index)]: rule '\(rule.name)' targets queue '\(target)', "
                        + "which does not exist")
            }
        }
    }
}

/// The members of the file.
private struct File: Codable {
    var queues: [QueueDefinition] = []
    var rules: [Rule] = []

    struct Rule: Codable {
        var name: String
        var description = ""
        var pattern: JSONValue
        var targets: [RuleTarget]
        var isEnabled = true

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            name = try fields.decode(String.self, forKey: .name)
            description =
                try fields.decodeIfPresent(String.self, forKey: .description) ?? description
            pattern = try fields.decode(JSONValue.self, forKey: .pattern)
            targets = try fields.decode([RuleTarget].self, forKey: .targets)
            isEnabled = try fields.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? isEnabled
        }

        func definition() throws -> RuleDefinition {
            let text =
                if case .string(let text) = pattern { text } else {
                    try JSON.text(pattern)
                }
            return RuleDefinition(
                name: name, description: description, pattern: text, targets: targets,
                isEnabled: isEnabled)
        }
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        queues = try fields.decodeIfPresent([QueueDefinition].self, forKey: .queues) ?? queues
        rules = try fields.decodeIfPresent([Rule].self, forKey: .rules) ?? rules
    }

    func asJSON() throws -> JSONValue {
        try JSON.decode(JSONValue.self, from: try JSON.data(self))
    }
}

extension JSONValue {
    /// Returns the path of the first member that `known` lacks, such as `rules[0].name`, or nil.
    fileprivate func memberUnknown(to known: JSONValue, at path: String = "") -> String? {
        switch (self, known) {
        case (.object(let members), .object(let knownMembers)):
            members.sorted { $0.key < $1.key }.lazy.compactMap { name, value in
                let place = path.isEmpty ? name : "\(path).\(name)"
                guard let known = knownMembers[name] else { return place }
                return value.memberUnknown(to: known, at: place)
            }.first
        case (.array(let elements), .array(let knownElements)):
            zip(elements, knownElements).enumerated().lazy.compactMap { index, pair in
                pair.0.memberUnknown(to: pair.1, at: "\(path)[\(index)]")
            }.first
        default: nil
        }
    }
}
