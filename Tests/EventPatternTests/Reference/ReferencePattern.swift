/// Matches events directly by the definition of patterns. It flattens the event to values and tries
/// every way to choose one value for each field, which is slow but plain.
struct ReferencePattern {
    /// The conditions on each path, for each alternative.
    private let alternatives: [[String: [Tree]]]

    init(_ text: String) {
        alternatives = Self.expand(Tree(text).members, at: "", onto: [[:]])
            .map { $0.mapValues(Self.items) }
    }

    func matches(_ event: Tree) -> Bool {
        let values = ReferenceEvent(event).values
        return alternatives.contains { alternative in
            Self.holds(alternative.map { ($0, $1) }[...], values, chosen: [], absent: [])
        }
    }

    private static func expand(
        _ members: [Tree.Member], at path: String, onto bases: [[String: Tree]]
    ) -> [[String: Tree]] {
        var fields: [String: Tree] = [:]
        var choices: [(String, [Tree])] = []
        collect(members, at: path, &fields, &choices)
        var result = bases.map { $0.merging(fields) { $1 } }
        for (path, branches) in choices {
            let outer = result
            result = branches.flatMap { expand($0.members, at: path, onto: outer) }
        }
        return result
    }

    private static func items(_ list: Tree) -> [Tree] {
        if case .array(let items) = list { items } else { [] }
    }

    private static func collect(
        _ members: [Tree.Member], at path: String, _ fields: inout [String: Tree],
        _ choices: inout [(String, [Tree])]
    ) {
        for member in members {
            let (name, value) = (member.name, member.value)
            let inner = path.isEmpty ? name : path + "." + name
            if name == "$or" {
                choices.append((path, items(value)))
            } else if case .object(let members) = value {
                collect(members, at: inner, &fields, &choices)
            } else {
                fields[inner] = value
            }
        }
    }

    private static func holds(
        _ fields: ArraySlice<(String, [Tree])>, _ values: [ReferenceEvent.Value],
        chosen: [ReferenceEvent.Value], absent: [String]
    ) -> Bool {
        guard let (path, conditions) = fields.first else {
            return !values.contains { value in
                absent.contains(value.path) && chosen.allSatisfy(value.goes)
            }
        }
        let rest = fields.dropFirst()
        for value in values where value.path == path && chosen.allSatisfy(value.goes) {
            guard conditions.contains(where: { ReferenceCondition.holds($0, of: value.leaf) })
            else { continue }
            if holds(rest, values, chosen: chosen + [value], absent: absent) { return true }
        }
        guard conditions.contains(where: { $0["exists"].map(\.text) == "false" }) else {
            return false
        }
        return holds(rest, values, chosen: chosen, absent: absent + [path])
    }
}

/// An event as a flat list of its scalars, each with its path and the array elements around it.
struct ReferenceEvent {
    struct Value {
        var path: String
        var leaf: Tree
        /// The index of the element in each array around the value.
        var elements: [Int: Int]

        func goes(with other: Value) -> Bool {
            elements.allSatisfy { other.elements[$0.key, default: $0.value] == $0.value }
        }
    }

    private(set) var values: [Value] = []
    private var arrays = 0

    init(_ event: Tree) { flatten(event, at: nil, in: [:]) }

    private mutating func flatten(_ tree: Tree, at path: String?, in elements: [Int: Int]) {
        switch tree {
        case .object(let members):
            for member in members {
                let path = path.map { $0 + "." + member.name } ?? member.name
                flatten(member.value, at: path, in: elements)
            }
        case .array(let items):
            let array = arrays
            arrays += 1
            for (index, item) in items.enumerated() {
                var inner = elements
                switch item {
                case .object, .array: inner[array] = index
                default: break
                }
                flatten(item, at: path, in: inner)
            }
        default: values.append(Value(path: path ?? "", leaf: tree, elements: elements))
        }
    }
}
