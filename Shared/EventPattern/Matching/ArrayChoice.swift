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
    private var stepsLeft = EventPattern.Limits.arraySteps

    static func exists(
        for tests: [Clause.Test], in fields: EventFields, _ record: Span<UInt8>
    ) -> Bool {
        var options: [Option] = []
        for test in tests {
            var option = Option(
                scopes: [], presentScopes: [], acceptsAbsence: test.acceptsAbsence)
            for index in fields.indices(of: test.field) {
                let scope = fields.values[index].scope
                if test.acceptsAbsence { option.presentScopes.append(scope) }
                if test.isMet(by: index, of: fields, record) { option.scopes.append(scope) }
            }
            option.scopes.sort()
            options.append(option)
        }
        var search = ArrayChoice(options: options, scopes: fields.scopes)
        return search.succeeds(from: 0)
    }

    private init(options: [Option], scopes: Scopes) {
        self.options = options
        self.scopes = scopes
    }

    private mutating func succeeds(from index: Int) -> Bool {
        guard index < options.count else { return absent.allSatisfy(isAbsent) }
        let candidates = options[index].scopes
        var at = 0
        while at < candidates.count {
            if let next = conflict(of: candidates[at]) {
                at = candidates.firstIndex(notBelow: next, from: at + 1)
                continue
            }
            guard stepsLeft > 0 else { return false }
            stepsLeft -= 1
            chosen.append(candidates[at])
            if succeeds(from: index + 1) { return true }
            chosen.removeLast()
            // Two values in one scope are equivalent here.
            at = candidates.firstIndex(notBelow: candidates[at] + 1, from: at + 1)
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

extension [Int32] {
    /// Returns the index of the first element from `start` that is at least `bound`. The array is
    /// in ascending order.
    fileprivate func firstIndex(notBelow bound: Int32, from start: Int) -> Int {
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
