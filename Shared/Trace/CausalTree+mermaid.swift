public import EventSourcing

extension CausalTree {
    /// Returns the tree as a Mermaid flowchart, whose arrows go from cause to effect.
    ///
    /// - Parameter marked: the event that the user asked for, or nil.
    public func mermaid(marking marked: EventID? = nil) -> String {
        let palette = Palette(self)
        var lines = ["flowchart TD"]
        for node in nodes {
            let text = label(node).map(Self.escaped).joined(separator: "<br/>")
            lines.append("    e\(node.event.position)[\"\(text)\"]:::s\(palette.index(of: node))")
            guard let parent = node.parent else { continue }
            lines.append("    e\(nodes[parent].event.position) --> e\(node.event.position)")
        }
        let positions = Dictionary(
            nodes.map { ($0.event.id, $0.event.position) }, uniquingKeysWith: { first, _ in first })
        for node in nodes {
            guard let reversed = node.reverses.flatMap({ positions[$0] }) else { continue }
            lines.append("    e\(node.event.position) -. reverses .-> e\(reversed)")
        }
        for (index, entry) in palette.entries.enumerated() {
            lines.append("    classDef s\(index) fill:\(entry.fill),stroke:#555,color:#111")
        }
        for node in nodes where node.deadLetter != nil {
            lines.append("    style e\(node.event.position) stroke:#c00,stroke-width:3px")
        }
        if let marked = marked.flatMap({ positions[$0] }) {
            lines.append("    style e\(marked) stroke:#111,stroke-width:3px")
        }
        return lines.joined(separator: "\n")
    }

    /// Returns the lines in the event's box.
    private func label(_ node: Node) -> [String] {
        let event = node.event
        return [
            event.type, "\(event.stream)",
            "\(event.position), \(millisecondsAfterStart(node)) ms, \(node.writer)",
        ] + node.notes
    }

    /// Returns the text for a quoted Mermaid label, with the characters of markup as numeric codes.
    private static func escaped(_ text: String) -> String {
        text.escaped { "\"#&<>`\\;".unicodeScalars.contains($0) ? "#\($0.value);" : nil }
    }
}

/// The colours of services, in the order in which the services occur in the tree.
struct Palette {
    private static let fills = [
        "#cfe2f3", "#d9ead3", "#fff2cc", "#ead1dc", "#d9d2e9", "#fce5cd", "#d0e0e3", "#eeeeee",
    ]

    private(set) var entries: [(service: String, fill: String)] = []
    private var indexes: [String: Int] = [:]

    init(_ tree: CausalTree) {
        for node in tree.nodes where indexes[Self.name(node)] == nil {
            indexes[Self.name(node)] = entries.count
            entries.append((Self.name(node), Self.fills[entries.count % Self.fills.count]))
        }
    }

    func index(of node: CausalTree.Node) -> Int { indexes[Self.name(node)] ?? 0 }

    func fill(of node: CausalTree.Node) -> String { entries[index(of: node)].fill }

    private static func name(_ node: CausalTree.Node) -> String {
        node.service ?? node.event.category
    }
}
