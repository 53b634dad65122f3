/// A JSON Schema, as far as the contracts need it.
indirect enum Schema: Hashable {
    struct Property: Hashable {
        var name: String
        var schema: Schema
        var isRequired: Bool
    }

    case string(format: String? = nil, pattern: String? = nil)
    case integer(ClosedRange<Int64>? = nil)
    case number
    case one(of: [String])
    case list(of: Schema)
    case object([Property])
    /// A reference to the definition of this name in the document's `$defs`.
    case reference(String)

    /// Returns the schema as JSON.
    /// - Parameter describe: Returns the description of the property of this name, if it has one.
    func json(_ describe: (String) -> String? = { _ in nil }) -> [String: Any] {
        switch self {
        case .string(let format, let pattern):
            var json: [String: Any] = ["type": "string"]
            json["format"] = format
            json["pattern"] = pattern
            return json
        case .integer(let range):
            var json: [String: Any] = ["type": "integer"]
            json["minimum"] = range?.lowerBound
            json["maximum"] = range?.upperBound
            return json
        case .number: return ["type": "number"]
        case .one(let values): return ["type": "string", "enum": values]
        case .list(let element): return ["type": "array", "items": element.json()]
        case .reference(let name): return ["$ref": "#/$defs/\(name)"]
        case .object(let properties):
            let described = properties.map { property in
                var json = property.schema.json()
                json["description"] = describe(property.name)
                return (property.name, json)
            }
            return [
                "type": "object", "properties": Dictionary(uniqueKeysWithValues: described),
                "required": properties.filter(\.isRequired).map(\.name).sorted(),
            ]
        }
    }
}
