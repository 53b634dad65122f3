/// An object of a pattern: its requirements on fields and its `$or`s, all of which must hold.
struct PatternBranch {
    struct Choice {
        var offset: Int
        var branches: [PatternBranch]
    }

    /// The error of an `$or`, at this offset, that opens more alternatives than the limits allow.
    struct TooMany: Error { let offset: Int }

    /// Requirements by their paths.
    typealias Fields = [[UInt8]: Requirement]

    var fields: Fields = [:]
    var choices: [Choice] = []

    /// Returns the fields of each way through the `$or`s.
    func alternatives() throws(TooMany) -> [Fields] { try alternatives(over: [[:]]) }

    /// Returns each of `bases` with the fields of this object and of each way through its `$or`s.
    ///
    /// Inner fields replace outer ones, wherever they are in the object.
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
