import JSON

/// An object of a pattern: its requirements on fields and its `$or`s, all of which must hold.
struct PatternBranch {
    /// Requirements by their paths.
    typealias Fields = [[UInt8]: Requirement]

    var fields: Fields = [:]
    /// The branches of each `$or`, with its offset in the text.
    var choices: [(offset: Int, branches: [PatternBranch])] = []
}

extension PatternParser {
    /// Returns each of `bases` with the fields of the branch and of each way through its `$or`s.
    ///
    /// Inner fields replace outer ones, wherever they are in the object.
    ///
    /// - Throws: an error at an `$or` that opens more alternatives than the limits allow.
    func alternatives(
        of branch: PatternBranch, over bases: [PatternBranch.Fields] = [[:]]
    ) throws(JSONError) -> [PatternBranch.Fields] {
        var result = bases.map { $0.merging(branch.fields) { $1 } }
        for choice in branch.choices {
            var next: [PatternBranch.Fields] = []
            for branch in choice.branches {
                next += try alternatives(of: branch, over: result)
                guard next.count <= PatternLimits.alternatives,
                    next.reduce(0, { $0 + $1.count }) <= PatternLimits.fields
                else {
                    throw failure(
                        "the $or of a pattern open up to \(PatternLimits.alternatives) "
                            + "alternatives of up to \(PatternLimits.fields) fields together; "
                            + "split the pattern",
                        at: choice.offset)
                }
            }
            result = next
        }
        return result
    }
}
