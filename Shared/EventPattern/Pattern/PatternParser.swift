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
        scanner = JSONScanner(text.indices, maximumDepth: PatternLimits.depth)
    }

    mutating func parse() throws(JSONError) -> [[Requirement]] {
        let text = text
        guard text.count <= PatternLimits.textBytes else {
            throw failure(
                "a pattern has up to \(PatternLimits.textBytes) bytes, not \(text.count)")
        }
        try expect(
            "{", #"a pattern is a JSON object, such as {"detail-type": ["OrderPlaced"]}"#)
        var branch = PatternBranch()
        try object(into: &branch, at: nil, inOr: false)
        try scanner.finish(text.span)
        return try alternatives(of: branch).map { fields in
            fields.values.sorted { $0.path.lexicographicallyPrecedes($1.path) }
        }
    }

    // MARK: Objects

    private mutating func object(
        into branch: inout PatternBranch, at parent: [UInt8]?, inOr: Bool
    ) throws(JSONError) {
        try openNonEmpty(
            until: "}", "an empty object asks for nothing; name a field or leave it out")
        while try hasNext(until: "}") {
            let (key, offset) = try key()
            if key == Self.or {
                path = parent ?? []
                branch.choices.append((offset, try choice(at: parent, offset)))
                continue
            }
            path = parent.map { $0 + [UInt8(ascii: ".")] + key } ?? key
            guard path.count(where: { $0 == UInt8(ascii: ".") }) < PatternLimits.depth else {
                throw failure("a path has up to \(PatternLimits.depth) names", at: offset)
            }
            guard !inOr || !Self.reserved.contains(String(decoding: key, as: UTF8.self)) else {
                throw failure(
                    "inside $or a field can't have the name of an operator; write operators in the "
                        + "list of a field", at: offset)
            }
            let path = path
            switch peek() {
            case "{": try object(into: &branch, at: path, inOr: inOr)
            case "[": branch.fields[path] = try requirement()
            default:
                throw failure("expected a list of values, such as [\"x\"], or an object of fields")
            }
            self.path = parent ?? []
        }
    }

    private mutating func choice(
        at parent: [UInt8]?, _ offset: Int
    ) throws(JSONError) -> [PatternBranch] {
        let usage = "$or takes a list of objects, such as [{…}, {…}]"
        try expect("[", usage)
        try scanner.open()
        var branches: [PatternBranch] = []
        while try hasNext(until: "]") {
            try expect("{", usage)
            var branch = PatternBranch()
            try object(into: &branch, at: parent, inOr: true)
            branches.append(branch)
        }
        guard branches.count >= 2 else {
            throw failure("$or takes at least two objects, not \(branches.count)", at: offset)
        }
        return branches
    }

    private mutating func requirement() throws(JSONError) -> Requirement {
        try openNonEmpty(
            until: "]", "an empty list matches nothing; write values, such as [\"x\"]")
        var requirement = Requirement(path: path, conditions: [], acceptsAbsence: false)
        // One look-up finds a value among all strings of the list.
        var strings = ByteSet()
        while try hasNext(until: "]") {
            switch try element() {
            case .strings(let more)?: for string in more.strings { strings.insert(string) }
            case let condition?: requirement.conditions.append(condition)
            case nil: requirement.acceptsAbsence = true
            }
        }
        if strings.count > 0 { requirement.conditions.insert(.strings(strings), at: 0) }
        return requirement
    }

    // MARK: Tokens

    /// Returns an error at an offset, or at the next byte.
    func failure(_ reason: String, at offset: Int? = nil) -> JSONError {
        scanner.error(reason, at: offset)
    }

    /// Returns the next character that is not white space, or a null at the end.
    mutating func peek() -> Unicode.Scalar {
        let text = text
        return Unicode.Scalar(scanner.peek(text.span))
    }

    /// Throws an error with this reason unless `character` is next.
    mutating func expect(
        _ character: Unicode.Scalar, _ reason: String
    ) throws(JSONError) {
        guard peek() == character else { throw failure(reason) }
    }

    /// Reads an opening bracket, and throws an error with this reason if `close` follows it.
    mutating func openNonEmpty(
        until close: Unicode.Scalar, _ reason: String
    ) throws(JSONError) {
        let start = scanner.at
        try scanner.open()
        guard peek() != close else { throw failure(reason, at: start) }
    }

    mutating func hasNext(until close: Unicode.Scalar) throws(JSONError) -> Bool {
        let text = text
        return try scanner.hasNext(text.span, until: UInt8(ascii: close))
    }

    mutating func key() throws(JSONError) -> (name: [UInt8], offset: Int) {
        _ = peek()
        let (text, offset) = (text, scanner.at)
        return (try decoded(scanner.key(text.span), offset), offset)
    }

    mutating func scalar() throws(JSONError) -> JSONScanner.Scalar {
        let text = text
        return try scanner.scalar(text.span)
    }

    func decoded(
        _ string: JSONScanner.Text, _ offset: Int
    ) throws(JSONError) -> [UInt8] {
        var output: [UInt8] = []
        guard string.append(to: &output, from: text.span) else {
            throw failure("half of a surrogate pair is not a character", at: offset)
        }
        return output
    }
}
