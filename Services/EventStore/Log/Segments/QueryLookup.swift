import EventSourcing

/// A query prepared to be looked up in many segments and compared with many events.
///
/// A client chooses the query, so each step that can take long has a price in ``LookupWork``.
struct QueryLookup: Sendable {
    /// An event has at most this many tags, so no event has more of them.
    private static let mostTags = 64

    /// Whether every event matches.
    let isAll: Bool
    /// For each item, the sets of terms of which a matching record has one each.
    let items: [[[Term]]]
    /// The price of asking the filter of a segment, in steps.
    let filtering: Int
    private let matchers: [ItemMatcher]
    /// The tags of the items that ask for one tag and nothing else.
    private let singleTags: Set<String>

    init(_ query: EventQuery) {
        isAll = query.isAll
        let possible = isAll ? [] : query.items.filter { Set($0.tags).count <= Self.mostTags }
        items = possible.map(\.termSets)
        let isSingleTag = { (item: EventQuery.Item) in
            item.tags.count == 1 && item == .init(tags: item.tags)
        }
        singleTags = Set(possible.filter(isSingleTag).flatMap(\.tags))
        matchers = possible.filter { !isSingleTag($0) }.map(ItemMatcher.init)
        filtering = items.joined().reduce(1) { $0 + 4 * $1.count }
    }

    /// Returns the price of checking a record of `bytes` bytes and comparing it with the query, in
    /// steps.
    func comparison(ofBytes bytes: Int) -> Int { 100 + bytes / 40 + 5 * matchers.count }

    func matches(_ event: RecordedEvent) -> Bool {
        guard !isAll else { return true }
        var fields = QueriedFields(of: event)
        return !singleTags.isEmpty && fields.tags.contains(where: singleTags.contains)
            || matchers.contains { $0.matches(&fields) }
    }
}

/// How much work a look-up may still do, in steps of about ten nanoseconds.
struct LookupWork {
    private(set) var left: Int

    /// Creates work without a limit.
    static let unlimited = LookupWork(left: .max)

    /// Takes the price of a part of the work. Returns false if the work has become too much.
    mutating func spend(_ steps: Int) -> Bool {
        left = left.subtractingReportingOverflow(steps).partialValue
        return left >= 0
    }
}

/// An item of a query with its long lists as sets.
private struct ItemMatcher: Sendable {
    private let item: EventQuery.Item
    private let streams: Set<StreamName>?
    private let categories: Set<String>?
    private let types: Set<String>?
    private let correlations: Set<EventID>?

    init(_ item: EventQuery.Item) {
        func set<Value: Hashable>(_ list: [Value]) -> Set<Value>? {
            list.count > 8 ? Set(list) : nil
        }
        streams = set(item.streams)
        categories = set(item.categories)
        types = set(item.types)
        correlations = set(item.correlations)
        var rest = item
        if streams != nil { rest.streams = [] }
        if categories != nil { rest.categories = [] }
        if types != nil { rest.types = [] }
        if correlations != nil { rest.correlations = [] }
        self.item = rest
    }

    func matches(_ event: inout QueriedFields) -> Bool {
        guard item.matches(&event) else { return false }
        return streams?.contains(event.stream) ?? true
            && categories?.contains(event.category) ?? true
            && types?.contains(event.type) ?? true
            && correlations?.contains(event.correlationID) ?? true
    }
}

extension EventQuery.Item {
    /// The sets of terms of which a matching record has one each. Rarer terms come first.
    fileprivate var termSets: [[Term]] {
        var sets: [[Term]] = []
        if !correlations.isEmpty { sets.append(correlations.flatMap(Term.conversation)) }
        sets += tags.map { [Term(.tag, $0)] }
        if !streams.isEmpty {
            sets.append(streams.map { Term(.stream, $0.description) })
        } else if !categories.isEmpty {
            sets.append(categories.map { Term(.category, $0) })
        }
        if !types.isEmpty { sets.append(types.map { Term(.type, $0) }) }
        // A client may repeat a name, and each look-up costs time.
        return sets.map { $0.count > 1 ? distinct($0) : $0 }
    }
}

private func distinct(_ terms: [Term]) -> [Term] {
    var distinct: [Term] = []
    distinct.reserveCapacity(terms.count)
    for term in terms.sorted() where distinct.last != term { distinct.append(term) }
    return distinct
}

extension Segment {
    /// Returns the ordinals from `first` on that may match, ascending. Nil if all may match, or if
    /// it is too much work to find out.
    func candidates(
        _ lookup: QueryLookup, from first: UInt32 = 0, _ work: inout LookupWork
    ) throws(LogError) -> [UInt32]? {
        guard !lookup.isAll else { return nil }
        var found: [[UInt32]] = []
        for sets in lookup.items {
            guard let ordinals = try candidates(sets, from: first, &work) else { return nil }
            if !ordinals.isEmpty { found.append(ordinals) }
        }
        return union(of: found)
    }

    /// Returns the ordinals of the records that may have a term of each set. Nil if there are no
    /// sets, or if it is too much work.
    private func candidates(
        _ sets: [[Term]], from first: UInt32, _ work: inout LookupWork
    ) throws(LogError) -> [UInt32]? {
        var found: [UInt32]?
        for terms in sets {
            var lists: [[UInt32]] = []
            for term in terms {
                let ordinals = try ordinals(term, from: first)
                guard work.spend(termSteps + ordinals.count) else { return nil }
                if !ordinals.isEmpty { lists.append(ordinals) }
            }
            let any = union(of: lists)
            guard work.spend(any.count + (found?.count ?? 0)) else { return nil }
            found = found.map { intersection($0, any) } ?? any
            if found?.isEmpty == true { break }
        }
        return found
    }

    /// Returns the union of ascending lists of this segment's ordinals, in time proportional to
    /// their lengths.
    private func union(of lists: [[UInt32]]) -> [UInt32] {
        guard lists.count > 1 else { return lists.first ?? [] }
        let length = lists.reduce(0) { $0 + $1.count }
        var union: [UInt32] = []
        guard length > count / 32 else {
            // Few: sorting them costs less than a look at a bit of each record.
            for ordinal in lists.joined().sorted() where union.last != ordinal {
                union.append(ordinal)
            }
            return union
        }
        var bits = [UInt64](repeating: 0, count: count / 64 + 1)
        for list in lists {
            for ordinal in list { bits[Int(ordinal / 64)] |= 1 << UInt64(ordinal % 64) }
        }
        union.reserveCapacity(length)
        for (index, var word) in bits.enumerated() {
            while word != 0 {
                union.append(UInt32(index * 64 + word.trailingZeroBitCount))
                word &= word - 1
            }
        }
        return union
    }
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
