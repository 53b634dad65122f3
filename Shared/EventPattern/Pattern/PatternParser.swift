import JSON

/// Parses a pattern's text into its alternatives.
struct PatternParser {
    private static let or = Array("$or".utf8)
    /// Names that a field inside `$or` can't have, because they are operators in the wrong place.
    private static let reserved: Set<String> = [
        "prefix", "suffix", "equals-ignore-case", "wildcard", "anything-but", "numeric", "exists",
        "cidr", "exactly", "=", "<", "<=", ">", ">=",
    ]

    let text: [UInt8]
    var scanner: JSONScanner
    /// The path of the current field, for errors.
    var path: [UInt8] = []

    init(_ text: [UInt8]) {
        self.text = text
        scanner = JSONScanner(text.indices, maximumDepth: EventPattern.Limits.depth)
    }

    mutating func parse() throws(EventPatternError) -> [[Requirement]] {
        guard text.count <= EventPattern.Limits.textBytes else {
            throw failure(
                "a pattern has up to \(EventPattern.Limits.textBytes) bytes, not \(text.count)")
        }
        guard peek() == UInt8(ascii: "{") else {
            throw failure(#"a pattern is a JSON object, such as {"detail-type": ["OrderPlaced"]}"#)
        }
        var branch = PatternBranch()
        try object(into: &branch, at: nil, inOr: false)
        try json { (scanner, text) throws(JSONError) in try scanner.finish(text) }
        do throws(PatternBranch.TooMany) {
            return try branch.alternatives().map { fields in
                fields.values.sorted { $0.path.lexicographicallyPrecedes($1.path) }
            }
        } catch {
            path = []
            throw failure(
                "the $or of a pattern open up to \(EventPattern.Limits.alternatives) alternatives "
                    + "of up to \(EventPattern.Limits.fields) fields together; split the pattern",
                at: error.offset)
        }
    }

    // MARK: Objects

    private mutating func object(
        into branch: inout PatternBranch, at parent: [UInt8]?, inOr: Bool
    ) throws(EventPatternError) {
        let start = scanner.at
        try open()
        var isFirst = true
        while try hasNext(until: UInt8(ascii: "}"), isFirst: &isFirst) {
            let (key, offset) = try key()
            if key == Self.or {
                path = parent ?? []
                branch.choices.append(try choice(at: parent, offset))
                continue
            }
            path = parent.map { $0 + [UInt8(ascii: ".")] + key } ?? key
            guard path.count(where: { $0 == UInt8(ascii: ".") }) < EventPattern.Limits.depth else {
                throw failure("a path has up to \(EventPattern.Limits.depth) names", at: offset)
            }
            guard !inOr || !Self.reserved.contains(String(decoding: key, as: UTF8.self)) else {
                throw failure(
                    "inside $or a field can't have the name of an operator; write operators in the "
                        + "list of a field", at: offset)
            }
            let path = path
            switch peek() {
            case UInt8(ascii: "{"): try object(into: &branch, at: path, inOr: inOr)
            case UInt8(ascii: "["): branch.fields[path] = try requirement()
            default:
                throw failure("expected a list of values, such as [\"x\"], or an object of fields")
            }
            self.path = parent ?? []
        }
        guard !isFirst else {
            throw failure(
                "an empty object asks for nothing; name a field or leave it out", at: start)
        }
    }

    private mutating func choice(
        at parent: [UInt8]?, _ offset: Int
    ) throws(EventPatternError) -> PatternBranch.Choice {
        guard peek() == UInt8(ascii: "[") else {
            throw failure("$or takes a list of objects, such as [{…}, {…}]")
        }
        try open()
        var choice = PatternBranch.Choice(offset: offset, branches: [])
        var isFirst = true
        while try hasNext(until: UInt8(ascii: "]"), isFirst: &isFirst) {
            guard peek() == UInt8(ascii: "{") else {
                throw failure("$or takes a list of objects, such as [{…}, {…}]")
            }
            var branch = PatternBranch()
            try object(into: &branch, at: parent, inOr: true)
            choice.branches.append(branch)
        }
        guard choice.branches.count >= 2 else {
            throw failure(
                "$or takes at least two objects, not \(choice.branches.count)", at: offset)
        }
        return choice
    }

    private mutating func requirement() throws(EventPatternError) -> Requirement {
        let start = scanner.at
        try open()
        var requirement = Requirement(path: path, conditions: [], acceptsAbsence: false)
        var strings: [[UInt8]] = []
        var isFirst = true
        while try hasNext(until: UInt8(ascii: "]"), isFirst: &isFirst) {
            switch try element() {
            case .string(let string): strings.append(string)
            case .condition(let condition): requirement.conditions.append(condition)
            case .absence: requirement.acceptsAbsence = true
            }
        }
        guard !isFirst else {
            throw failure(
                "an empty list matches nothing; write values, such as [\"x\"]", at: start)
        }
        if !strings.isEmpty { requirement.conditions.insert(.strings(ByteSet(strings)), at: 0) }
        return requirement
    }

    // MARK: Tokens

    func failure(_ reason: String, at offset: Int? = nil) -> EventPatternError {
        EventPatternError(
            reason, at: offset ?? scanner.at, of: text.span,
            path: String(decoding: path, as: UTF8.self))
    }

    private mutating func json<Result>(
        _ read: (inout JSONScanner, Span<UInt8>) throws(JSONError) -> Result
    ) throws(EventPatternError) -> Result {
        let text = text
        do throws(JSONError) {
            return try read(&scanner, text.span)
        } catch {
            throw failure(error.reason, at: error.offset)
        }
    }

    mutating func peek() -> UInt8 {
        let text = text
        return scanner.peek(text.span)
    }

    mutating func open() throws(EventPatternError) {
        try json { (scanner, _) throws(JSONError) in try scanner.open() }
    }

    mutating func hasNext(
        until close: UInt8, isFirst: inout Bool
    ) throws(EventPatternError) -> Bool {
        var first = isFirst
        defer { isFirst = first }
        return try json { (scanner, text) throws(JSONError) in
            try scanner.hasNext(text, until: close, isFirst: &first)
        }
    }

    mutating func key() throws(EventPatternError) -> (name: [UInt8], offset: Int) {
        _ = peek()
        let offset = scanner.at
        let key = try json { (scanner, text) throws(JSONError) in try scanner.key(text) }
        return (try decoded(key, offset), offset)
    }

    mutating func scalar() throws(EventPatternError) -> JSONScanner.Scalar {
        try json { (scanner, text) throws(JSONError) in try scanner.scalar(text) }
    }

    func decoded(
        _ string: JSONScanner.Text, _ offset: Int
    ) throws(EventPatternError) -> [UInt8] {
        var output: [UInt8] = []
        guard string.append(to: &output, from: text.span) else {
            throw failure("half of a surrogate pair is not a character", at: offset)
        }
        return output
    }
}
