import Foundation

/// Checks values against JSON Schemas. It supports only the keywords of the contracts' schemas, and
/// is stricter in one respect: a member that the schema does not name is a fault.
struct SchemaCheck {
    private let document: [String: Any]

    init(_ document: [String: Any]) { self.document = document }

    /// Returns the faults of `value`, each with its path.
    func faults(in value: JSONValue) -> [String] { faults(in: value, document, at: "") }

    private func faults(in value: JSONValue, _ schema: [String: Any], at place: String) -> [String]
    {
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
            guard case .list(let list) = value, let items = schema["items"] as? [String: Any]
            else { return ["\(place): no list"] }
            return list.enumerated().flatMap { faults(in: $1, items, at: "\(place)[\($0)]") }
        case "string": return faults(inText: value, schema, at: place)
        case "integer", "number": return faults(inNumber: value, schema, at: place)
        // A schema without a type accepts any value.
        case nil: return []
        case let type?: return ["\(place): the schema has the unknown type \(type)"]
        }
    }

    private func faults(
        inObject value: JSONValue, _ schema: [String: Any], at place: String
    ) -> [String] {
        guard case .object(let object) = value,
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

    private func faults(
        inText value: JSONValue, _ schema: [String: Any], at place: String
    ) -> [String] {
        guard case .text(let text) = value else { return ["\(place): no text"] }
        if let choice = schema["enum"] as? [String], !choice.contains(text) {
            return ["\(place): '\(text)' is not one of \(choice)"]
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
        inNumber value: JSONValue, _ schema: [String: Any], at place: String
    ) -> [String] {
        guard case .integer(let whole) = value else {
            guard case .number = value else { return ["\(place): no number"] }
            return schema["type"] as? String == "number" ? [] : ["\(place): no whole number"]
        }
        let least = schema["minimum"] as? Int64 ?? .min
        let most = schema["maximum"] as? Int64 ?? .max
        return (least...most).contains(whole) ? [] : ["\(place): \(whole) is out of range"]
    }
}

extension Regex {
    fileprivate func matches(in text: String) -> Bool { text.firstMatch(of: self) != nil }
}

/// A JSON value. It distinguishes integers, numbers with a fraction and booleans.
indirect enum JSONValue: Decodable {
    case object([String: JSONValue])
    case list([JSONValue])
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        self =
            if value.decodeNil() {
                .null
            } else if let boolean = try? value.decode(Bool.self) {
                .boolean(boolean)
            } else if let integer = try? value.decode(Int64.self) {
                .integer(integer)
            } else if let number = try? value.decode(Double.self) {
                .number(number)
            } else if let text = try? value.decode(String.self) {
                .text(text)
            } else if let list = try? value.decode([JSONValue].self) {
                .list(list)
            } else {
                .object(try value.decode([String: JSONValue].self))
            }
    }
}
