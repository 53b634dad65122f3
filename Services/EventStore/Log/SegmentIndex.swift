import EventSourcing

/// Where the records of a segment are, by position and by term; built as they are appended or, when
/// the log is opened, from the segment itself.
struct SegmentIndex {
    let name: String
    let base: UInt64
    /// By ordinal (position less base), the offset of the record in the file.
    private(set) var offsets: [UInt32] = []
    /// By ordinal and in the order of the records.
    private var postings: [Term: [UInt32]] = [:]
    /// Where the next record goes.
    private(set) var end = SegmentHeader.size
    private(set) var lastTime: Int64

    /// - Parameter lastTime: that of the segment before; times never go back.
    init(name: String, base: UInt64, lastTime: Int64 = .min) {
        self.name = name
        self.base = base
        self.lastTime = lastTime
    }

    var count: Int { offsets.count }
    /// The position behind the last record.
    var nextPosition: UInt64 { base + UInt64(count) }

    mutating func append(_ record: Span<UInt8>, _ header: RecordHeader, time: Int64) {
        let ordinal = UInt32(count)
        offsets.append(UInt32(end))
        forEachTerm(of: record, header) { postings[$0, default: []].append(ordinal) }
        end += header.length
        lastTime = time
    }

    /// The ordinals of the records that may have the term, ascending.
    func ordinals(_ term: Term) -> [UInt32] { postings[term] ?? [] }

    /// The ordinals of the records that may match `query`, ascending; nil for all of them.
    func candidates(_ query: EventQuery) -> [UInt32]? {
        guard !query.isAll else { return nil }
        var union: Set<UInt32> = []
        for item in query.items {
            guard let found = candidates(item) else { return nil }
            union.formUnion(found)
        }
        return union.sorted()
    }

    private func candidates(_ item: EventQuery.Item) -> Set<UInt32>? {
        var conditions: [[Term]] = item.tags.map { [Term(.tag, $0)] }
        if !item.streams.isEmpty {
            conditions.append(item.streams.map { Term(.stream, $0.description) })
        } else if !item.categories.isEmpty {
            conditions.append(item.categories.map { Term(.category, $0) })
        }
        if !item.types.isEmpty { conditions.append(item.types.map { Term(.type, $0) }) }
        var found: Set<UInt32>?
        for terms in conditions {
            let any = Set(terms.lazy.flatMap(ordinals))
            found = found?.intersection(any) ?? any
        }
        return found
    }
}
