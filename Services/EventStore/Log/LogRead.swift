public import EventSourcing

/// The state of a read: which events it wants, and how far it has come.
public struct LogRead: Sendable {
    /// The query that the events must match.
    public let query: EventQuery
    let lookup: QueryLookup
    /// Whether the read goes from high positions to low ones.
    public let isBackwards: Bool
    /// Whether the read wants only the first event of each stream.
    public let isOfStarts: Bool
    /// The last position wanted in the direction of the read: backwards at least 1, where positions
    /// begin, and forwards less than the largest integer, so that 1 can be added.
    private let bound: UInt64
    /// The range of times wanted (`RecordedEvent.occurredAt`), or nil for all.
    public let times: Range<Timestamp>?
    /// The greatest number of events still wanted.
    public private(set) var limit: Int
    /// The largest chunk, in bytes. A chunk always has at least one record, whatever its size.
    public var chunkBytes: Int
    /// How much work a chunk may cost, in steps of about ten nanoseconds: then it ends before it is
    /// full, and may be empty although more events match. The default is no limit.
    public var stepsPerChunk = Int.max
    /// What to return in place of the events at these positions. Empty to return all events as they
    /// were appended.
    public var amendments: [UInt64: Amendment] = [:]
    /// The next position: forwards the lowest still wanted, backwards the highest. The read has
    /// returned everything wanted before it, in the order of the read. It is 0 when a backward read
    /// has reached the start.
    public private(set) var position: UInt64
    /// Whether the read wants no more events, even of those still to be appended.
    public private(set) var isDone: Bool

    /// The rest of the ordinals that the index of the segment at `base` returned.
    private var candidates: (base: UInt64, ordinals: ArraySlice<UInt32>)?
    /// The segment in which it costs less to look at each record than at the index.
    private var scannedBase: UInt64?
    /// The work that is left for the current chunk.
    private var work = LookupWork.unlimited

    /// Creates a read of the events that match `query`.
    ///
    /// - Parameters:
    ///   - from: forwards the lowest position wanted, backwards the highest.
    ///   - to: the last position wanted in the direction of the read; nil for no bound.
    ///   - times: the range of times wanted (`RecordedEvent.occurredAt`); nil for all.
    ///   - limit: the greatest number of events.
    ///   - chunkBytes: the largest chunk, in bytes.
    public init(
        _ query: EventQuery = .all, isBackwards: Bool = false, isOfStarts: Bool = false,
        from: UInt64 = 1, to: UInt64? = nil, times: Range<Timestamp>? = nil,
        limit: Int = .max, chunkBytes: Int = 256 << 10
    ) {
        self.query = query
        lookup = QueryLookup(query)
        self.isBackwards = isBackwards
        self.isOfStarts = isOfStarts
        bound = isBackwards ? max(to ?? 1, 1) : min(to ?? .max, .max - 1)
        self.times = times
        self.limit = limit
        self.chunkBytes = chunkBytes
        position = isBackwards ? from : max(from, 1)
        isDone = limit == 0
        move(to: position)
    }

    /// Whether the read may still want events at positions in `range`, the last of which was
    /// committed at `last`, in microseconds.
    func mayWant(_ range: Range<UInt64>, _ last: Int64) -> Bool {
        let (low, high) = isBackwards ? (bound, position) : (position, bound)
        guard range.lowerBound <= high, range.upperBound > low else { return false }
        // The original time of history may be before the segment's first time, but no event's time
        // is after its commit.
        return times.map { last >= $0.lowerBound.microseconds } ?? true
    }

    /// Whether the read wants only history of the segment, because all its events were committed
    /// after the times wanted.
    func wantsHistoryOnly(of segment: some Segment) -> Bool {
        times.map { segment.firstTime >= $0.upperBound.microseconds } ?? false
    }

    /// Moves past a segment whose events, at the positions in `range`, were all examined.
    mutating func pass(_ range: Range<UInt64>) {
        (candidates, scannedBase) = (nil, nil)
        move(
            to: isBackwards ? min(position, range.lowerBound - 1) : max(position, range.upperBound))
    }

    /// Returns the next ordinals to examine in `segment`, in the order of the read. Returns none
    /// when all were examined.
    ///
    /// - Parameters:
    ///   - count: the number of records that are visible.
    ///   - maximum: the greatest number of ordinals to return.
    mutating func ordinals(
        of segment: some Segment, count: Int, maximum: Int
    ) throws(LogError) -> [UInt32] {
        guard count > 0 else { return [] }
        let (base, end) = (segment.base, segment.base + UInt64(count) - 1)
        let (low, high) = isBackwards ? (bound, position) : (position, bound)
        guard low <= end, high >= base else { return [] }
        let lowest = UInt32(max(low, base) - base)
        let highest = UInt32(min(high, end) - base)
        guard lowest <= highest else { return [] }
        guard !query.isAll || isOfStarts || wantsHistoryOnly(of: segment), scannedBase != base
        else {
            return isBackwards
                ? (lowest...highest).suffix(maximum).reversed()
                : Array((lowest...highest).prefix(maximum))
        }
        let known = candidates?.base == base ? candidates?.ordinals : nil
        var rest = trimmed(known ?? [], to: lowest...highest)
        if rest.isEmpty {
            // An open segment may have new records since the last look.
            guard let found = try candidates(in: segment, from: lowest) else {
                scannedBase = base
                return try ordinals(of: segment, count: count, maximum: maximum)
            }
            rest = trimmed(found[...], to: lowest...highest)
        }
        candidates = (base, rest)
        return isBackwards ? rest.suffix(maximum).reversed() : Array(rest.prefix(maximum))
    }

    /// Returns the ordinals that may match, or nil if it costs less to look at each record.
    private mutating func candidates(
        in segment: some Segment, from lowest: UInt32
    ) throws(LogError) -> [UInt32]? {
        var indexWork = LookupWork(left: Self.mostIndexWork)
        var found = try segment.candidates(lookup, from: lowest, &indexWork)
        var terms: [Term] = isOfStarts ? [.start] : []
        if wantsHistoryOnly(of: segment) { terms.append(.history) }
        for term in terms {
            let ordinals = try segment.ordinals(term, from: lowest)
            _ = indexWork.spend(segment.termSteps + ordinals.count + (found?.count ?? 0))
            found = found.map { intersection($0, ordinals) } ?? ordinals
        }
        _ = work.spend(Self.mostIndexWork - indexWork.left)
        return found
    }

    /// How much work the index of one segment may cost, in steps. Beyond it, the read looks at each
    /// record, which it can do in parts.
    private static let mostIndexWork = 500_000

    /// The memory of the ordinals that it keeps, in bytes.
    public var heldBytes: Int { (candidates?.ordinals.count ?? 0) * 4 }

    /// Frees the memory of the ordinals that it keeps. They are looked up again when needed.
    public mutating func releaseHeld() { candidates = nil }

    /// Starts a chunk, with the work that it may cost.
    mutating func startChunk() { work = LookupWork(left: stepsPerChunk) }

    /// Takes the price of an examined event with a record of `bytes` bytes. Returns false if the
    /// chunk has cost enough.
    mutating func spendComparison(ofBytes bytes: Int) -> Bool {
        work.spend(lookup.comparison(ofBytes: bytes))
    }

    /// Takes the price of a passed segment. Returns false if the chunk has cost enough.
    mutating func spendFiltering() -> Bool { work.spend(lookup.filtering) }

    private func trimmed(
        _ ordinals: ArraySlice<UInt32>, to range: ClosedRange<UInt32>
    ) -> ArraySlice<UInt32> {
        let start = ordinals.partitioningIndex { $0 >= range.lowerBound }
        let end = ordinals.partitioningIndex { $0 > range.upperBound }
        return ordinals[start..<end]
    }

    /// Moves past `position`. If its event was returned, lowers the limit by one.
    mutating func advance(past position: UInt64, wasGiven: Bool) {
        if wasGiven { limit -= 1 }
        move(to: isBackwards ? position - 1 : position + 1)
    }

    private mutating func move(to next: UInt64) {
        if isBackwards {
            position = max(next, bound - 1)
            isDone = limit == 0 || next < bound
        } else {
            position = min(next, bound + 1)
            isDone = limit == 0 || next > bound
        }
    }

    func matches(_ event: RecordedEvent) -> Bool {
        lookup.matches(event) && times?.contains(event.occurredAt) ?? true
            && (!isOfStarts || event.revision == 0)
    }

    /// Whether the read wants every event in its range of positions.
    var isOfAll: Bool { query.isAll && times == nil && !isOfStarts }
}

/// Records that a read returns, back to back.
public struct LogChunk: Sendable {
    /// The records, with unmasked checksums.
    public internal(set) var bytes: [UInt8] = []
    /// The number of records.
    public internal(set) var count = 0

    /// Creates an empty chunk.
    public init() {}
}
