import JSON

extension PatternParser {
    /// Reads the operand of `anything-but`.
    mutating func exclusions() throws(EventPatternError) -> [Condition] {
        guard peek() == UInt8(ascii: "{") else { return try excludedValues() }
        let (name, offset) = try openOperation()
        let conditions: [Condition]
        switch name {
        case "prefix": conditions = try strings(for: name).map(Condition.prefix)
        case "suffix": conditions = try strings(for: name).map(Condition.suffix)
        case "equals-ignore-case":
            conditions = try strings(for: name).map { .equalsIgnoringCase(CaselessText($0)) }
        case "wildcard":
            conditions = try list { (parser) throws(EventPatternError) in
                .wildcard(try parser.wildcard())
            }
        default:
            throw failure(
                "'anything-but' can't take '\(name)', only prefix, suffix, equals-ignore-case or "
                    + "wildcard", at: offset)
        }
        try closeOperation(name)
        return conditions
    }

    private mutating func strings(for name: String) throws(EventPatternError) -> [[UInt8]] {
        let isAffix = name == "prefix" || name == "suffix"
        return try list { (parser) throws(EventPatternError) in
            _ = parser.peek()
            let start = parser.scanner.at
            let string = try parser.string(for: name)
            guard !isAffix || !string.isEmpty else {
                throw parser.failure(
                    "every string has the empty \(name); nothing would match", at: start)
            }
            return string
        }
    }

    private mutating func excludedValues() throws(EventPatternError) -> [Condition] {
        let start = scanner.at
        var excluded: [[UInt8]] = []
        let numbers = try list { (parser) throws(EventPatternError) -> Condition? in
            switch parser.peek() {
            case UInt8(ascii: "\""):
                excluded.append(try parser.string())
                return nil
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard case .number(let range) = try parser.scalar() else { return nil }
                return parser.exactly(range)
            default: throw parser.failure("'anything-but' takes strings or numbers")
            }
        }.compactMap(\.self)
        guard excluded.isEmpty || numbers.isEmpty else {
            throw failure("'anything-but' takes strings or numbers, not both", at: start)
        }
        return excluded.isEmpty ? numbers : [.strings(ByteSet(excluded))]
    }

    /// Reads one item, or a list of at least one.
    private mutating func list<Item>(
        _ item: (inout PatternParser) throws(EventPatternError) -> Item
    ) throws(EventPatternError) -> [Item] {
        guard peek() == UInt8(ascii: "[") else { return [try item(&self)] }
        let start = scanner.at
        try open()
        var items: [Item] = []
        var isFirst = true
        while try hasNext(until: UInt8(ascii: "]"), isFirst: &isFirst) {
            items.append(try item(&self))
        }
        guard !isFirst else { throw failure("an empty list excludes nothing", at: start) }
        return items
    }
}
