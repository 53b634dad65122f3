/// An object of a pattern: what it asks of fields, and the `$or`s in it, all of which must hold.
struct PatternBranch {
    struct Choice {
        var offset: Int
        var branches: [PatternBranch]
    }

    /// The `$or` at this offset opens more alternatives than the limits allow.
    struct TooMany: Error { let offset: Int }

    /// By their paths.
    typealias Fields = [[UInt8]: Requirement]

    var fields: Fields = [:]
    var choices: [Choice] = []

    /// Each way through the `$or`s.
    func alternatives() throws(TooMany) -> [Fields] { try alternatives(over: [[:]]) }

    /// The fields of this object and each way through its `$or`s, put over each of `bases`. Inner
    /// fields replace outer ones, wherever in the object these stand.
    private func alternatives(over bases: [Fields]) throws(TooMany) -> [Fields] {
        var result = bases.map { $0.merging(fields) { $1 } }
        for choice in choices {
            var next: [Fields] = []
            for branch in choice.branches {
                next += try branch.alternatives(over: result)
                guard next.count <= EventPattern.Limits.alternatives,
                    next.reduce(0, { $0 + $1.count }) <= EventPattern.Limits.fields
                else { throw TooMany(offset: choice.offset) }
            }
            result = next
        }
        return result
    }
}
