import EventSourcing

/// The sealed segments of a log, oldest first. They never change, so any thread may read them.
public struct SealedSegments: Sendable {
    private(set) var segments: [SealedSegment] = []
    private var groups: [FilterGroup] = []
    private let filterWords: Int
    let storage: any LogStorage

    init(in storage: any LogStorage, filterWords: Int) {
        self.storage = storage
        self.filterWords = filterWords
    }

    var last: SealedSegment? { segments.last }

    mutating func append(_ segment: SealedSegment, filter: [UInt64]) {
        if groups.last.map({ $0.count == FilterGroup.columns }) ?? true {
            groups.append(FilterGroup(words: filterWords))
        }
        groups[groups.count - 1].append(filter.span)
        segments.append(segment)
    }

    /// Returns the segments that may have the term, newest first.
    func mayHold(_ term: Term) -> [SealedSegment] {
        var found: [SealedSegment] = []
        for (number, group) in groups.enumerated().reversed() {
            var columns = group.columns(term)
            while columns != 0 {
                let column = 63 - columns.leadingZeroBitCount
                found.append(segments[number * FilterGroup.columns + column])
                columns ^= 1 << UInt64(column)
            }
        }
        return found
    }

    /// Whether the segment at `index` may have a matching record.
    func mayHold(_ lookup: QueryLookup, at index: Int) -> Bool {
        lookup.isAll
            || lookup.items.contains { sets in
                sets.allSatisfy { $0.contains { mayHold($0, at: index) } }
            }
    }

    /// Whether the segment at `index` may have a record with the term.
    func mayHold(_ term: Term, at index: Int) -> Bool {
        let columns = groups[index / FilterGroup.columns].columns(term)
        return columns & 1 << UInt64(index % FilterGroup.columns) != 0
    }
}
