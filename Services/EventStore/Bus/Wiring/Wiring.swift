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
            let given = try JSON.decode(JSONValue.self, from: json).completeFile()
            file = try JSON.decode(from: try JSON.data(given))
            let known = try JSON.decode(JSONValue.self, from: try JSON.data(file))
            if let place = given.memberUnknown(to: known) {
                throw DaybookError(.invalid, "\(place): there is no such member")
            }
        } catch let error as DecodingError {
            throw DaybookError(.invalid, error.oneLine)
        }
        (queues, rules) = (file.queues, file.rules)
        try check()
    }

    /// Checks each queue and rule by itself, and that no name is used twice.
    private func check() throws {
        for (index, queue) in queues.enumerated() { try Self.check(queue.fault, "queues", index) }
        for (index, rule) in rules.enumerated() {
            try Self.check(rule.fault, "rules", index)
            do throws(EventPatternError) {
                _ = try EventPattern(rule.pattern)
            } catch {
                try Self.check("\(error)", "rules", index)
            }
        }
        try Self.checkOnce(queues.map(\.name), "queues")
        try Self.checkOnce(rules.map(\.name), "rules")
    }

    private static func checkOnce(_ names: [String], _ list: String) throws {
        var seen: Set<String> = []
        for (index, name) in names.enumerated() where !seen.insert(name).inserted {
            try check("'\(name)' is defined twice", list, index)
        }
    }

    /// Throws the fault of an element, if it has one.
    private static func check(
        _ fault: String?, _ list: String, _ index: Int
    ) throws(DaybookError) {
        if let fault { throw DaybookError(.invalid, "\(list)[\(index)]: \(fault)") }
    }

    /// Checks the file against the existing queues: a queue must keep its grouping and its start,
    /// and a rule's targets must exist.
    func check(against existing: [QueueDefinition]) throws(DaybookError) {
        for (index, queue) in queues.enumerated() {
            guard let known = existing.first(where: { $0.name == queue.name }) else { continue }
            guard known.grouping == queue.grouping, known.start == queue.start else {
                return try Self.check(
                    "queue '\(queue.name)' exists, and its grouping \(known.grouping) and start "
                        + "\(known.start) can't change", "queues", index)
            }
        }
        let names = Set((queues + existing).map(\.name))
        for (index, rule) in rules.enumerated() {
            if let target = rule.targets.first(where: { !names.contains($0.description) }) {
                let meant = target.description.mostSimilar(among: names)
                try Self.check(
                    "rule '\(rule.name)' targets queue '\(target)', which does not exist"
                        + (meant.map { "; did you mean '\($0)'?" } ?? ""), "rules", index)
            }
        }
    }
}

/// The members of the file.
private struct File: Codable {
    var queues: [QueueDefinition]
    var rules: [RuleDefinition]
}

extension JSONValue {
    /// Returns the file with all members, and with the patterns of its rules as text.
    fileprivate func completeFile() throws -> JSONValue {
        guard case .object(var file) = self else { return self }
        file.setDefaults(["queues": .array([]), "rules": .array([])])
        if case .array(let rules) = file["rules"] {
            file["rules"] = .array(try rules.map { try $0.completeRule() })
        }
        return .object(file)
    }

    private func completeRule() throws -> JSONValue {
        guard case .object(var rule) = self else { return self }
        rule.setDefaults(["description": .string(""), "isEnabled": .bool(true)])
        switch rule["pattern"] {
        case nil, .string: break
        case let pattern?: rule["pattern"] = .string(try JSON.text(pattern))
        }
        return .object(rule)
    }

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

extension [String: JSONValue] {
    fileprivate mutating func setDefaults(_ defaults: [String: JSONValue]) {
        merge(defaults) { given, value in given == .null ? value : given }
    }
}
