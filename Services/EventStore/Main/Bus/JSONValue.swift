import Foundation

/// A JSON value of any kind.
indirect enum JSONValue: Codable, Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number, as a decimal because a double would change some numbers.
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else if let value = try? container.decode([String: JSONValue].self) {
            self = .object(value)
        } else {
            self = .number(try container.decode(Decimal.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// Returns the path of the first member that `known` lacks, such as `rules[0].name`, or nil.
    func memberUnknown(to known: JSONValue, at path: String = "") -> String? {
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
