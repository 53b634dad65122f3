import JSON

extension PatternParser {
    /// Reads the comparisons of `numeric`.
    mutating func numeric() throws(JSONError) -> Condition {
        let usage =
            #"'numeric' takes a comparison, such as [">", 0], or two, such as "#
            + #"[">=", 0, "<", 5]"#
        try expect("[", usage)
        let start = scanner.at
        try scanner.open()
        var comparisons: [String] = []
        var range = NumericRange()
        while try hasNext(until: "]") {
            let comparison = String(decoding: try string(orElse: usage), as: UTF8.self)
            guard try hasNext(until: "]") else { throw failure(usage, at: start) }
            let bound = try bound()
            switch comparison {
            case "<", "<=": (range.upper, range.includesUpper) = (bound, comparison == "<=")
            default: (range.lower, range.includesLower) = (bound, comparison != ">")
            }
            comparisons.append(comparison)
        }
        switch comparisons {
        case ["="]: return exactly(range.lower)
        case [">"], [">="], ["<"], ["<="]: return .numeric(range)
        case [">", "<"], [">", "<="], [">=", "<"], [">=", "<="]:
            guard range.lower < range.upper else {
                throw failure(
                    "the lower bound of 'numeric' must be below the upper one", at: start)
            }
            return .numeric(range)
        default: throw failure(usage, at: start)
        }
    }

    private mutating func bound() throws(JSONError) -> Double {
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
}
