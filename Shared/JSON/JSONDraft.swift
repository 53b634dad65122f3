/// Values on their way to JSON. Encoders may fill its objects and arrays in any order.
final class JSONDraft {
    enum Kind { case scalar, object, array }

    /// A value. Its members or elements form a linked list, because those of several values may be
    /// added in turns.
    private struct Entry {
        var kind: Kind
        /// The name, if the value is a member.
        var name: String
        /// The range of a scalar's text in `scalars`.
        var text = 0..<0
        var parent: Int
        // 0 stands for nothing: the first entry is the whole value, and no member of another.
        var firstChild = 0
        var lastChild = 0
        var sibling = 0
    }

    private var entries: [Entry] = []
    private var scalars: [UInt8] = []

    /// Creates a draft of an empty object.
    init() {
        entries.reserveCapacity(32)
        scalars.reserveCapacity(512)
        entries.append(Entry(kind: .object, name: "", parent: 0))
    }

    func kind(_ index: Int) -> Kind { entries[index].kind }

    /// Makes the value an object or an array, unless it is that already.
    func begin(_ kind: Kind, at index: Int) {
        guard entries[index].kind != kind else { return }
        entries[index].kind = kind
        (entries[index].firstChild, entries[index].lastChild) = (0, 0)
    }

    /// Makes the value the scalar that `write` appends as JSON.
    func set(_ index: Int, _ write: (inout [UInt8]) -> Void) {
        let start = scalars.count
        write(&scalars)
        entries[index].kind = .scalar
        entries[index].text = start..<scalars.count
    }

    /// Adds a member or an element, for now an empty object, and returns its index.
    func add(to parent: Int, name: String = "") -> Int {
        let index = entries.count
        entries.append(Entry(kind: .object, name: name, parent: parent))
        let last = entries[parent].lastChild
        if last == 0 {
            entries[parent].firstChild = index
        } else {
            entries[last].sibling = index
        }
        entries[parent].lastChild = index
        return index
    }

    private func children(of index: Int) -> [Int] {
        var children: [Int] = []
        var child = entries[index].firstChild
        while child != 0 {
            children.append(child)
            child = entries[child].sibling
        }
        return children
    }

    /// Returns the number of the value's elements.
    func count(of index: Int) -> Int { children(of: index).count }

    /// Returns the names and numbers that lead from the whole value to the one at `index`.
    func path(to index: Int) -> [any CodingKey] {
        guard index != 0 else { return [] }
        let parent = entries[index].parent
        let step =
            kind(parent) == .object
            ? JSONKey(entries[index].name)
            : JSONKey(children(of: parent).firstIndex(of: index) ?? 0)
        return path(to: parent) + [step]
    }

    /// Returns the members in the order of their names' bytes, each name once: the last value
    /// counts.
    private func members(of index: Int) -> [Int] {
        var members = children(of: index)
        let isSorted = zip(members, members.dropFirst()).allSatisfy { precedes($0, $1) }
        guard !isSorted else { return members }
        members.sort { precedes($0, $1) || (!precedes($1, $0) && $0 < $1) }
        return members.indices.compactMap { place in
            let isLast =
                place + 1 == members.count || precedes(members[place], members[place + 1])
            return isLast ? members[place] : nil
        }
    }

    private func precedes(_ member: Int, _ other: Int) -> Bool {
        entries[member].name.utf8.lexicographicallyPrecedes(entries[other].name.utf8)
    }

    /// Appends the value as JSON.
    ///
    /// - Parameter indentation: the spaces before each line, or nil to write a single line.
    func write(_ index: Int = 0, to json: inout [UInt8], indentation: Int? = nil) {
        switch entries[index].kind {
        case .scalar: json += scalars[entries[index].text]
        case .array:
            json.append(UInt8(ascii: "["))
            write(children(of: index), to: &json, indentation)
            json.append(UInt8(ascii: "]"))
        case .object:
            json.append(UInt8(ascii: "{"))
            write(members(of: index), to: &json, indentation) { json, member in
                json.append(json: entries[member].name)
                json.append(UInt8(ascii: ":"))
                if indentation != nil { json.append(UInt8(ascii: " ")) }
            }
            json.append(UInt8(ascii: "}"))
        }
    }

    private func write(
        _ children: [Int], to json: inout [UInt8], _ indentation: Int?,
        name: (inout [UInt8], Int) -> Void = { _, _ in }
    ) {
        func newLine(_ spaces: Int) {
            json.append(UInt8(ascii: "\n"))
            json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: spaces))
        }
        for (number, child) in children.enumerated() {
            if number > 0 { json.append(UInt8(ascii: ",")) }
            if let indentation { newLine(indentation + 2) }
            name(&json, child)
            write(child, to: &json, indentation: indentation.map { $0 + 2 })
        }
        if let indentation, !children.isEmpty { newLine(indentation) }
    }
}
