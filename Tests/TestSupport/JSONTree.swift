public import Foundation

/// JSON whose values can be replaced one by one with any text, even with invalid JSON.
public indirect enum JSONTree: Sendable {
    case object([String: JSONTree])
    case array([JSONTree])
    case leaf(String)

    /// Reads JSON, which may be a fragment.
    public init(_ data: Data) throws {
        self.init(any: try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed))
    }

    private init(any value: Any) {
        switch value {
        case let fields as [String: Any]: self = .object(fields.mapValues(JSONTree.init(any:)))
        case let elements as [Any]: self = .array(elements.map(JSONTree.init(any:)))
        default:
            let data = try? JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .withoutEscapingSlashes])
            self = .leaf(data.map { String(decoding: $0, as: UTF8.self) } ?? "null")
        }
    }

    /// The JSON, with the fields of each object by name.
    public var text: String {
        switch self {
        case .object(let fields):
            "{"
                + fields.sorted { $0.key < $1.key }
                .map { "\(Self.quoted($0.key)):\($0.value.text)" }.joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .leaf(let text): text
        }
    }

    /// Returns the string as JSON.
    public static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\0"..<" ":
                "\\u00" + (scalar.value < 16 ? "0" : "")
                    + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    /// The path of a value: its names from the root on, with `[]` for an element of an array.
    public typealias Path = [String]

    /// The paths of all values, including objects and arrays. Of an array, only the first element
    /// counts.
    public var paths: [Path] {
        switch self {
        case .object(let fields):
            [[]]
                + fields.sorted { $0.key < $1.key }.flatMap { field in
                    field.value.paths.map { [field.key] + $0 }
                }
        case .array(let elements):
            [[]] + (elements.first?.paths.map { ["[]"] + $0 } ?? [])
        case .leaf: [[]]
        }
    }

    /// Returns the value at a path, or nil if it does not exist.
    public func value(at path: ArraySlice<String>) -> JSONTree? {
        guard let name = path.first else { return self }
        switch self {
        case .object(let fields): return fields[name]?.value(at: path.dropFirst())
        case .array(let elements): return elements.first?.value(at: path.dropFirst())
        case .leaf: return nil
        }
    }

    /// Returns the object without some of its fields.
    public func removing(_ names: [String]) -> JSONTree {
        guard case .object(let fields) = self else { return self }
        return .object(fields.filter { !names.contains($0.key) })
    }

    /// Returns the JSON with `text` at a path.
    public func replacing(_ path: ArraySlice<String>, with text: String) -> JSONTree {
        guard let name = path.first else { return .leaf(text) }
        switch self {
        case .object(var fields):
            fields[name] = fields[name]?.replacing(path.dropFirst(), with: text)
            return .object(fields)
        case .array(var elements):
            elements[0] = elements[0].replacing(path.dropFirst(), with: text)
            return .array(elements)
        case .leaf: return self
        }
    }
}

/// Values at and beyond the limits of all kinds of fields, as JSON.
public enum Extreme {
    static let numbers = [
        "0", "1", "-1", "2", "500", "501", "1000", "1001", "65536", "2147483648", "4294967296",
        "9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "-9223372036854775808",
        "-9223372036854775809", "0.001", "0.0009", "43200", "43200.001", "86400.001",
        "31536000.001", "1e300", "-1e300", "1e400", "5e-324", "-0",
    ]

    static let texts =
        [
            "", "a", "\0", "\u{1B}[31m\r\n", "NaN", "-1", "😀", "../..", "a b", "0000-01-01",
            "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z",
            "position:18446744073709551615", "position:18446744073709551616",
            "time:0000-01-01T00:00:00+01:00", "path:", "18446744073709551616", "{",
            #"{"detail":{"x":[{"numeric":["<",1e300]}]}}"#,
        ].map(JSONTree.quoted)
        + [64, 65, 255, 256, 100_000].map { JSONTree.quoted(String(repeating: "x", count: $0)) }

    /// Values of another type than the field's.
    static let others = ["null", "true", "[]", "{}", "NaN", "Infinity", ""]

    /// Returns values to put in the place of a leaf, most of them invalid there.
    public static func values(for leaf: JSONTree) -> [String] {
        guard case .leaf(let text) = leaf else { return others + ["0", "\"\""] }
        return text.hasPrefix("\"")
            ? texts + others + ["0", "18446744073709551616"] : numbers + others + ["\"\"", "\"1\""]
    }
}
