/// A JSON value as a tree that keeps duplicate members and their order. It is a slow and plain
/// reference for the reader under test.
enum Tree {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([Tree])
    case object([Member])

    struct Member {
        var name: String
        var value: Tree
    }

    /// Parses valid JSON.
    init(_ text: String) {
        var rest = Substring(text)
        self = Self.read(&rest)
    }

    var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    subscript(name: String) -> Tree? { members.last { $0.name == name }?.value }

    /// The value as JSON text.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let text): text
        case .string(let string): Self.quoted(string)
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.map { Self.quoted($0.name) + ":" + $0.value.text }
                .joined(separator: ",") + "}"
        }
    }

    static func quoted(_ string: String) -> String {
        "\""
            + string.unicodeScalars.map { scalar in
                switch scalar {
                case "\"", "\\": "\\\(scalar)"
                case "\u{0}"..<" ":
                    "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: String(scalar)
                }
            }.joined() + "\""
    }

    private static func read(_ rest: inout Substring) -> Tree {
        rest = rest.drop(while: \.isWhitespace)
        switch rest.first {
        case "{":
            return .object(
                items(&rest, "}") { rest in
                    guard case .string(let name) = read(&rest) else {
                        return Member(name: "", value: .null)
                    }
                    rest = rest.drop(while: \.isWhitespace).dropFirst()
                    return Member(name: name, value: read(&rest))
                })
        case "[": return .array(items(&rest, "]") { read(&$0) })
        case "\"": return .string(string(&rest))
        default:
            let token = rest.prefix { !$0.isWhitespace && !",]}:".contains($0) }
            rest = rest.dropFirst(token.count)
            switch token {
            case "null": return .null
            case "true", "false": return .bool(token == "true")
            default: return .number(String(token))
            }
        }
    }

    private static func items<Item>(
        _ rest: inout Substring, _ close: Character, _ item: (inout Substring) -> Item
    ) -> [Item] {
        var items: [Item] = []
        rest = rest.dropFirst().drop(while: \.isWhitespace)
        while rest.first != close {
            items.append(item(&rest))
            rest = rest.drop { $0.isWhitespace || $0 == "," }
        }
        rest = rest.dropFirst()
        return items
    }

    private static func string(_ rest: inout Substring) -> String {
        var units: [UInt16] = []
        var text = rest.unicodeScalars.dropFirst()
        while let scalar = text.popFirst(), scalar != "\"" {
            guard scalar == "\\" else {
                units += Array(String(scalar).utf16)
                continue
            }
            switch text.removeFirst() {
            case "u":
                units.append(UInt16(String(text.prefix(4)), radix: 16) ?? 0)
                text = text.dropFirst(4)
            case "n": units.append(10)
            case "t": units.append(9)
            case "r": units.append(13)
            case "b": units.append(8)
            case "f": units.append(12)
            case let other: units += Array(String(other).utf16)
            }
        }
        rest = Substring(text)
        return String(decoding: units, as: UTF16.self)
    }
}
