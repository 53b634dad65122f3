import JSON

extension PatternParser {
    /// Reads the comparisons of `numeric`.
    mutating func numeric() throws(EventPatternError) -> Condition {
        let usage =
            #"'numeric' takes a comparison, such as [">", 0], or two, such as "#
            + #"[">=", 0, "<", 5]"#
        guard peek() == UInt8(ascii: "[") else { throw failure(usage) }
        let start = scanner.at
        try open()
        var comparisons: [(String, Double)] = []
        var isFirst = true
        while try hasNext(until: UInt8(ascii: "]"), isFirst: &isFirst) {
            guard peek() == UInt8(ascii: "\"") else { throw failure(usage) }
            let comparison = String(decoding: try string(), as: UTF8.self)
            guard try hasNext(until: UInt8(ascii: "]"), isFirst: &isFirst) else {
                throw failure(usage, at: start)
            }
            comparisons.append((comparison, try bound()))
        }
        return try range(comparisons, usage, at: start)
    }

    private mutating func bound() throws(EventPatternError) -> Double {
        _ = peek()
        let start = scanner.at
        guard case .number(let range) = try scalar() else {
            throw failure("'numeric' compares with a number", at: start)
        }
        guard let bound = JSONNumber.double(text.span.extracting(range)) else {
            throw failure("no double stands for this number, so it can't be compared", at: start)
        }
        return bound
    }

    private func range(
        _ comparisons: [(String, Double)], _ usage: String, at start: Int
    ) throws(EventPatternError) -> Condition {
        guard let (first, bound) = comparisons.first, comparisons.count <= 2 else {
            throw failure(usage, at: start)
        }
        var range = NumericRange()
        switch first {
        case "=" where comparisons.count == 1: return .number(bound)
        case "<" where comparisons.count == 1, "<=" where comparisons.count == 1:
            (range.upper, range.includesUpper) = (bound, first == "<=")
        case ">", ">=": (range.lower, range.includesLower) = (bound, first == ">=")
        default: throw failure(usage, at: start)
        }
        guard comparisons.count == 2 else { return .numeric(range) }
        let (second, top) = comparisons[1]
        guard second == "<" || second == "<=" else { throw failure(usage, at: start) }
        guard bound < top else {
            throw failure("the lower bound of 'numeric' must be below the upper one", at: start)
        }
        (range.upper, range.includesUpper) = (top, second == "<=")
        return .numeric(range)
    }
}
