import EventSourcing

/// What a read needs of a segment: its records, their places, and the records that have a term.
protocol Segment: Sendable {
    var name: String { get }
    var binding: SegmentBinding { get }
    /// The position of the first record.
    var base: UInt64 { get }
    var count: Int { get }
    var firstTime: Int64 { get }
    var lastTime: Int64 { get }

    /// Returns where the records begin. The ordinal `count` gives the end of the last record.
    func offsets(of ordinals: ClosedRange<Int>) throws(LogError) -> [UInt32]
    /// Returns the ordinals (position less base) of the records from `first` on that may have the
    /// term, ascending.
    func ordinals(_ term: Term, from first: UInt32) throws(LogError) -> [UInt32]
}

extension Segment {
    /// The position after the last record.
    var nextPosition: UInt64 { base + UInt64(count) }

    /// Returns the ordinals from `first` on that may match `query`, ascending. Nil if all may
    /// match.
    func candidates(
        _ query: EventQuery, from first: UInt32 = 0
    ) throws(LogError) -> [UInt32]? {
        guard !query.isAll else { return nil }
        var union: [UInt32] = []
        for item in query.items {
            guard let found = try candidates(item.termSets, from: first) else { return nil }
            union = union.isEmpty ? found : merged(union, found)
        }
        return union
    }

    /// Returns the ordinals of the records that may have a term of each set. Nil if there are no
    /// sets.
    func candidates(
        _ sets: [[Term]], from first: UInt32
    ) throws(LogError) -> [UInt32]? {
        var found: [UInt32]?
        for terms in sets {
            var any: [UInt32] = []
            for term in terms {
                let ordinals = try ordinals(term, from: first)
                any = any.isEmpty ? ordinals : merged(any, ordinals)
            }
            found = found.map { intersection($0, any) } ?? any
            if found?.isEmpty == true { break }
        }
        return found
    }
}

extension EventQuery.Item {
    /// The sets of terms of which a matching record has one each. Rarer terms come first.
    var termSets: [[Term]] {
        var sets: [[Term]] = []
        if !correlations.isEmpty { sets.append(correlations.flatMap(Term.conversation)) }
        sets += tags.map { [Term(.tag, $0)] }
        if !streams.isEmpty {
            sets.append(streams.map { Term(.stream, $0.description) })
        } else if !categories.isEmpty {
            sets.append(categories.map { Term(.category, $0) })
        }
        if !types.isEmpty { sets.append(types.map { Term(.type, $0) }) }
        return sets
    }
}

/// Returns the union of two ascending lists.
private func merged(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
    var union: [UInt32] = []
    union.reserveCapacity(a.count + b.count)
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
        let next = min(a[i], b[j])
        if a[i] == next { i += 1 }
        if b[j] == next { j += 1 }
        union.append(next)
    }
    union += a[i...]
    union += b[j...]
    return union
}

/// Returns the intersection of two ascending lists.
func intersection(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
    var common: [UInt32] = []
    var (i, j) = (0, 0)
    while i < a.count, j < b.count {
        if a[i] == b[j] { common.append(a[i]) }
        if a[i] <= b[j] { i += 1 } else { j += 1 }
        // On equality `i` moved. `j` follows in the next round, because `b[j]` is then the smaller
        // one.
    }
    return common
}
