import Foundation

/// Holds values against JSON Schemas: the keywords that those of the contracts have, and no others.
/// Stricter than they are in one thing: a member that they do not name is a fault.
struct SchemaCheck {
    private let document: [String: Any]

    init(_ document: [String: Any]) { self.document = document }

    /// What is wrong with `value`, with its place in it.
    func faults(in value: Any) -> [String] { faults(in: value, document, at: "") }

    private func faults(in value: Any, _ schema: [String: Any], at place: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            let name = reference.replacing("#/$defs/", with: "")
            guard let target = (document["$defs"] as? [String: [String: Any]])?[name] else {
                return ["\(place): there is no \(reference)"]
            }
            return faults(in: value, target, at: place)
        }
        switch schema["type"] as? String {
        case "object": return faults(inObject: value, schema, at: place)
        case "array":
            guard let list = value as? [Any], let items = schema["items"] as? [String: Any] else {
                return ["\(place): no list"]
            }
            return list.enumerated().flatMap { faults(in: $1, items, at: "\(place)[\($0)]") }
        case "string": return faults(inText: value, schema, at: place)
        case "integer", "number": return faults(inNumber: value, schema, at: place)
        case "boolean": return value is Bool ? [] : ["\(place): no boolean"]
        default: return ["\(place): a schema without a type"]
        }
    }

    private func faults(
        inObject value: Any, _ schema: [String: Any], at place: String
    ) -> [String] {
        guard let object = value as? [String: Any],
            let properties = schema["properties"] as? [String: [String: Any]],
            let required = schema["required"] as? [String]
        else { return ["\(place): no object"] }
        var faults = required.filter { object[$0] == nil }.map { "\(place): lacks \($0)" }
        for (name, member) in object.sorted(by: { $0.key < $1.key }) {
            guard let schema = properties[name] else {
                faults.append("\(place): has \(name), which the schema does not name")
                continue
            }
            faults += self.faults(in: member, schema, at: "\(place).\(name)")
        }
        return faults
    }

    private func faults(inText value: Any, _ schema: [String: Any], at place: String) -> [String] {
        guard let text = value as? String else { return ["\(place): no text"] }
        if let choice = schema["enum"] as? [String], !choice.contains(text) {
            return ["\(place): '\(text)' is none of \(choice)"]
        }
        if schema["format"] as? String == "date-time",
            text.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/#) == nil
        {
            return ["\(place): '\(text)' is no time"]
        }
        if let pattern = schema["pattern"] as? String,
            (try? Regex(pattern))?.matches(in: text) != true
        {
            return ["\(place): '\(text)' is not as \(pattern)"]
        }
        return []
    }

    private func faults(
        inNumber value: Any, _ schema: [String: Any], at place: String
    ) -> [String] {
        guard !(value is Bool), let number = value as? NSNumber else {
            return ["\(place): no number"]
        }
        guard schema["type"] as? String == "integer" else { return [] }
        guard let whole = value as? Int64, number.doubleValue == Double(whole) else {
            return ["\(place): no whole number"]
        }
        let least = schema["minimum"] as? Int64 ?? .min
        let most = schema["maximum"] as? Int64 ?? .max
        return (least...most).contains(whole) ? [] : ["\(place): \(whole) is out of range"]
    }
}

extension Regex {
    fileprivate func matches(in text: String) -> Bool { text.firstMatch(of: self) != nil }
}
