public import EventSourcing

extension CausalTree {
    /// Returns the tree for people: a line for each event, with its notes below it.
    ///
    /// - Parameters:
    ///   - marked: the event that the user asked for, or nil.
    ///   - width: the number of columns to which notes are wrapped.
    public func lines(marking marked: EventID? = nil, width: Int = 120) -> [String] {
        guard !nodes.isEmpty else { return [] }
        let heads = ["position", "after ms", "cause ms", "by"]
        let cells = nodes.map { node in
            [
                "\(node.event.position)",
                "\(millisecondsAfterStart(node))",
                millisecondsAfterCause(node).map { "\($0)" } ?? "", node.writer,
            ]
        }
        let widths = heads.indices.map { column in
            cells.reduce(heads[column].count) { max($0, $1[column].count) }
        }
        func columns(_ cells: [String]) -> String {
            zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count) + "  "
            }.joined()
        }
        let blank = columns(heads.map { _ in "" })
        var lines = [columns(heads) + "event"]
        var branches = Branches()
        var conversation: EventID?
        for (place, node) in nodes.enumerated() {
            if node.event.correlationID != conversation { lines += ["", node.conversation] }
            conversation = node.event.correlationID
            branches.move(to: node)
            let mark = node.event.id == marked ? "  ◀" : ""
            lines.append(
                columns(cells[place]) + branches.own + node.event.type + "  \(node.event.stream)"
                    + mark)
            let isParent = place + 1 < nodes.count && nodes[place + 1].depth > node.depth
            let margin = blank + branches.below(isParent: isParent)
            for note in node.notes {
                lines += Self.wrapped(note, to: max(width - margin.count, 24)).map { margin + $0 }
            }
        }
        return lines
    }

    /// Returns the words of a text in lines of at most `width` characters.
    ///
    /// A longer word gets a line of its own.
    private static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.printable.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

extension String {
    /// The text with spaces in place of control characters and noncharacters.
    ///
    /// Control characters could move a terminal's cursor, and XML allows neither.
    var printable: String {
        guard !utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return self }
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            let isText =
                scalar.properties.generalCategory != .control
                && !scalar.properties.isNoncharacterCodePoint
            scalars.append(isText ? scalar : " ")
        }
        return String(scalars)
    }

    /// Returns the printable text with an escape in place of each character that has one.
    func escaped(_ escape: (Unicode.Scalar) -> String?) -> String {
        printable.unicodeScalars.reduce(into: "") { text, scalar in
            text += escape(scalar) ?? String(scalar)
        }
    }
}

/// The lines that connect an event with its ancestors.
private struct Branches {
    /// How many levels are drawn. Deeper events show the last levels only.
    private static let levels = 12

    /// By depth, whether another event with the same parent follows.
    private var isOpen: [Bool] = []

    mutating func move(to node: CausalTree.Node) {
        isOpen.removeSubrange(node.depth...)
        isOpen.append(!node.isLast)
    }

    /// The text before the event.
    var own: String {
        guard isOpen.count > 1, let isOpen = isOpen.last else { return "" }
        return drawn(to: self.isOpen.count - 1) + (isOpen ? "├─ " : "└─ ")
    }

    /// Returns the text before a note on the event.
    func below(isParent: Bool) -> String {
        drawn(to: isOpen.count) + (isParent ? "│    " : "     ")
    }

    private func drawn(to depth: Int) -> String {
        let first = max(1, depth - Self.levels)
        return (first > 1 ? "⋯ " : "")
            + isOpen[min(first, depth)..<depth].map { $0 ? "│  " : "   " }.joined()
    }
}
