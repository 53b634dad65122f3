import EventSourcing

/// The search for one value for each requirement, no two of them from different elements of the
/// same array.
///
/// A field is absent if none of its values can be combined with the chosen ones. For example,
/// `{"a": {"b": [1], "c": [{"exists": false}]}}` matches an element of `a` whose `b` is 1 and which
/// has no `c`. Absence is decided last, so that it does not depend on the order of the fields.
struct ArrayChoice {
    private struct Option {
        /// The scopes of the values that meet the requirement, in ascending order.
        var scopes: [Int32]
        /// The scopes of all values of the field. Empty if it may not be absent.
        var presentScopes: [Int32]
        var acceptsAbsence: Bool
    }

    private let options: [Option]
    private let scopes: Scopes
    private var chosen: [Int32] = []
    /// The options that are taken as absent.
    private var absent: [Int] = []
    private var stepsLeft = PatternLimits.arraySteps

    static func exists(
        for tests: [Clause.Test], in fields: EventFields, _ record: Span<UInt8>
    ) -> Bool {
        var options: [Option] = []
        for test in tests {
            var option = Option(
                scopes: [], presentScopes: [], acceptsAbsence: test.acceptsAbsence)
            var index = fields.firstIndex(of: test.field)
            while index >= 0 {
                let scope = fields.values[index].scope
                if test.acceptsAbsence { option.presentScopes.append(scope) }
                if test.isMet(by: index, of: fields, record) { option.scopes.append(scope) }
                index = fields.index(after: index)
            }
            option.scopes.sort()
            options.append(option)
        }
        var search = ArrayChoice(options: options, scopes: fields.scopes)
        return search.succeeds(from: 0)
    }

    private mutating func succeeds(from index: Int) -> Bool {
        guard index < options.count else { return absent.allSatisfy(isAbsent) }
        let candidates = options[index].scopes
        var at = 0
        while at < candidates.count {
            if let next = conflict(of: candidates[at]) {
                at = candidates[(at + 1)...].partitioningIndex { $0 >= next }
                continue
            }
            guard stepsLeft > 0 else { return false }
            stepsLeft -= 1
            chosen.append(candidates[at])
            if succeeds(from: index + 1) { return true }
            chosen.removeLast()
            // Two values in one scope are equivalent here.
            at = candidates[(at + 1)...].partitioningIndex { $0 > candidates[at] }
        }
        guard options[index].acceptsAbsence else { return false }
        absent.append(index)
        defer { absent.removeLast() }
        return succeeds(from: index + 1)
    }

    private func isAbsent(_ index: Int) -> Bool {
        options[index].presentScopes.allSatisfy { conflict(of: $0) != nil }
    }

    /// Returns where to continue if `scope` can't be combined with the chosen values, or nil if it
    /// can.
    private func conflict(of scope: Int32) -> Int32? {
        for other in chosen {
            if let next = scopes.conflict(of: scope, with: other) { return next }
        }
        return nil
    }
}
