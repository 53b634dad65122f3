public import EventSourcing

extension CausalTree {
    /// Returns the tree as a self-contained SVG picture.
    ///
    /// Each event has a row with its position and time, a box in its service's colour, and its
    /// notes. The box is further to the right the deeper the event is in the tree.
    ///
    /// - Parameter marked: the event that the user asked for, or nil.
    public func svg(marking marked: EventID? = nil) -> String {
        SVGDrawing(self, marked).text
    }
}

private struct SVGDrawing {
    private static let row = 56
    private static let box = (width: 250, height: 42)
    /// The left edge of a root's box. Positions and times are to the left of it.
    private static let left = 150
    /// How far boxes move to the right with each level of depth.
    private static let step = 44
    private static let header = 44
    private static let notesWidth = 700
    /// How many characters of a text the picture shows. The box's tooltip has the whole text.
    private static let letters = (box: 32, note: 110)

    private let tree: CausalTree
    private let marked: EventID?
    private let palette: Palette
    private var elements: [String] = []

    init(_ tree: CausalTree, _ marked: EventID?) {
        self.tree = tree
        self.marked = marked
        palette = Palette(tree)
        drawLegend()
        for place in tree.nodes.indices { draw(place) }
    }

    var text: String {
        let depth = tree.nodes.reduce(0) { max($0, $1.depth) }
        let width = Self.left + depth * Self.step + Self.box.width + Self.notesWidth
        let height = Self.header + tree.nodes.count * Self.row
        let size = "width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\""
        return """
            <svg xmlns="http://www.w3.org/2000/svg" \(size) font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#fff"/>
            \(elements.joined(separator: "\n"))
            </svg>
            """
    }

    private mutating func drawLegend() {
        var x = 12
        for entry in palette.entries {
            elements.append(
                "<rect x=\"\(x)\" y=\"12\" width=\"14\" height=\"14\" fill=\"\(entry.fill)\" "
                    + "stroke=\"#555\"/>")
            write(entry.service, at: (x + 20, 24))
            x += 44 + entry.service.count * 8
        }
    }

    private mutating func draw(_ place: Int) {
        let node = tree.nodes[place]
        let event = node.event
        let (x, y) = (self.x(node), self.y(place))
        if let parent = node.parent {
            let from = (x: self.x(tree.nodes[parent]) + 16, y: self.y(parent) + Self.box.height)
            elements.append(
                "<path d=\"M\(from.x) \(from.y)V\(y + Self.box.height / 2)H\(x)\" fill=\"none\" "
                    + "stroke=\"#888\"/>")
        }
        let stroke = node.deadLetter != nil ? "#c00" : event.id == marked ? "#111" : "#555"
        let width = node.deadLetter != nil || event.id == marked ? 3 : 1
        let notes = (node.parent == nil ? [node.conversation] : []) + node.notes
        let whole = (["\(event.type)  \(event.stream)"] + notes).joined(separator: "; ")
        elements.append(
            "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(Self.box.width)\" "
                + "height=\"\(Self.box.height)\" rx=\"4\" fill=\"\(palette.fill(of: node))\" "
                + "stroke=\"\(stroke)\" stroke-width=\"\(width)\"><title>\(Self.escaped(whole))"
                + "</title></rect>")
        write(Self.cut(event.type, Self.letters.box), at: (x + 10, y + 17), "font-weight=\"bold\"")
        write(
            Self.cut("\(event.stream), \(node.writer)", Self.letters.box + 6),
            at: (x + 10, y + 34), "font-size=\"11\"")
        write("\(event.position)", at: (12, y + 17), "fill=\"#555\"")
        write("\(tree.millisecondsAfterStart(node)) ms", at: (12, y + 34), "fill=\"#555\"")
        for (line, note) in notes.prefix(3).enumerated() {
            write(
                Self.cut(note, Self.letters.note),
                at: (x + Self.box.width + 12, y + 12 + line * 15),
                node.deadLetter != nil ? "fill=\"#c00\"" : "")
        }
    }

    private func x(_ node: CausalTree.Node) -> Int { Self.left + node.depth * Self.step }

    private func y(_ place: Int) -> Int { Self.header + place * Self.row }

    private mutating func write(_ text: String, at: (x: Int, y: Int), _ style: String = "") {
        elements.append(
            "<text x=\"\(at.x)\" y=\"\(at.y)\" \(style)>\(Self.escaped(text))</text>")
    }

    private static func cut(_ text: String, _ letters: Int) -> String {
        text.count > letters ? text.prefix(letters - 1) + "…" : text
    }

    /// Returns the text escaped for XML.
    private static func escaped(_ text: String) -> String { text.escaped { entities[$0] } }

    private static let entities: [Unicode.Scalar: String] = [
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;",
    ]
}
