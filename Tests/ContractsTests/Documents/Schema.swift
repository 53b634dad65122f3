/// What JSON Schema says of a value, as much of it as the contracts need.
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
    /// A definition of this name, in the document's `$defs`.
    case reference(String)

    /// As JSON.
    /// - Parameter describe: what the property of this name is said to be, if anything is.
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
