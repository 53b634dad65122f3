import JSON

extension PatternParser {
    /// Reads the operand of `anything-but`.
    mutating func exclusions() throws(JSONError) -> [Condition] {
        guard peek() == "{" else { return try excludedValues() }
        let (name, offset) = try openOperation()
        guard let operation = StringOperator(rawValue: name) else {
            throw failure(
                "'anything-but' can't take '\(name)', only prefix, suffix, equals-ignore-case or "
                    + "wildcard", at: offset)
        }
        let conditions = try list { (parser) throws(JSONError) in
            _ = parser.peek()
            let start = parser.scanner.at
            let condition = try parser.string(operation)
            if operation.isAffix, case .wildcard(let affix) = condition, affix.parts == [[], []] {
                throw parser.failure(
                    "every string has the empty \(name); nothing would match", at: start)
            }
            return condition
        }
        try closeOperation(name)
        return conditions
    }

    private mutating func excludedValues() throws(JSONError) -> [Condition] {
        let start = scanner.at
        var strings: [[UInt8]] = []
        var numbers: [Condition] = []
        _ = try list { (parser) throws(JSONError) in
            switch parser.peek() {
            case "-", "0"..."9":
                guard case .number(let range) = try parser.scalar() else { return }
                numbers.append(parser.exactly(range))
            default:
                strings.append(
                    try parser.string(orElse: "'anything-but' takes strings or numbers"))
            }
        }
        guard strings.isEmpty || numbers.isEmpty else {
            throw failure("'anything-but' takes strings or numbers, not both", at: start)
        }
        return strings.isEmpty ? numbers : [.strings(ByteSet(strings))]
    }

    /// Reads one item, or a list of at least one.
    private mutating func list<Item>(
        _ item: (inout PatternParser) throws(JSONError) -> Item
    ) throws(JSONError) -> [Item] {
        guard peek() == "[" else { return [try item(&self)] }
        try openNonEmpty(until: "]", "an empty list excludes nothing")
        var items: [Item] = []
        while try hasNext(until: "]") { items.append(try item(&self)) }
        return items
    }
}
