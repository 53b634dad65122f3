public import EventSourcing

/// What a reader wants of the log, and how far it has come.
public struct LogRead: Sendable {
    public let query: EventQuery
    public let isBackwards: Bool
    /// Whether of each stream only the first event is wanted.
    public let isOfStarts: Bool
    /// The last position wanted; nil for no bound. Forwards, the largest integer becomes nil, too,
    /// because no event has it.
    public let to: UInt64?
    /// Commit times wanted, the last not among them.
    public let times: Range<Timestamp>?
    /// At most this many events more.
    public private(set) var limit: Int
    /// At most this many bytes at a time; one record is always given, if there is one.
    public let chunkBytes: Int
    /// Forwards the lowest position still wanted, backwards the highest: all that is wanted before
    /// it, in the order of the read, has been given. 0 when a read backwards has come to the
    /// beginning.
    public private(set) var position: UInt64
    /// Whether nothing is wanted any more, whatever will be appended.
    public private(set) var isDone: Bool

    /// What the index of a segment has given: where the read goes on, some are to be looked at
    /// still.
    private var candidates: (base: UInt64, ordinals: ArraySlice<UInt32>)?

    /// - Parameter from: forwards the lowest position wanted, backwards the highest.
    public init(
        _ query: EventQuery = .all, isBackwards: Bool = false, isOfStarts: Bool = false,
        from: UInt64 = 1, to: UInt64? = nil, times: Range<Timestamp>? = nil,
        limit: Int = .max, chunkBytes: Int = 256 << 10
    ) {
        self.query = query
        self.isBackwards = isBackwards
        self.isOfStarts = isOfStarts
        // Backwards, `to` is the lowest position wanted, and positions begin at 1.
        self.to = to.flatMap { isBackwards ? max($0, 1) : $0 == .max ? nil : $0 }
        self.times = times
        self.limit = limit
        self.chunkBytes = chunkBytes
        position = isBackwards ? from : max(from, 1)
        isDone = limit == 0
        go(to: position)
    }

    /// Whether anything of the positions in `range`, of such times, may be wanted still.
    func mayWant(_ range: Range<UInt64>, _ first: Int64, _ last: Int64) -> Bool {
        let (low, high) = isBackwards ? (to ?? 0, position) : (position, to ?? .max)
        guard range.lowerBound <= high, range.upperBound > low else { return false }
        guard let times else { return true }
        return first < times.upperBound.microseconds && last >= times.lowerBound.microseconds
    }

    /// Leaves a segment whose events, at the positions in `range`, have all been looked at.
    mutating func pass(_ range: Range<UInt64>) {
        candidates = nil
        go(to: isBackwards ? min(position, range.lowerBound - 1) : max(position, range.upperBound))
    }

    /// The next ordinals to look at in `segment`, of which `count` records may be seen; none when
    /// all have been. At most `maximum`, in the order of the read.
    mutating func ordinals(
        of segment: some Segment, count: Int, maximum: Int
    ) throws(LogError) -> [UInt32] {
        guard count > 0 else { return [] }
        let (base, last) = (segment.base, segment.base + UInt64(count) - 1)
        let (low, high) = isBackwards ? (to ?? 1, position) : (position, to ?? .max)
        guard low <= last, high >= base else { return [] }
        let lowest = UInt32(max(low, base) - base)
        let highest = UInt32(min(high, last) - base)
        guard lowest <= highest else { return [] }
        guard !query.isAll || isOfStarts else {
            return isBackwards
                ? (lowest...highest).suffix(maximum).reversed()
                : Array((lowest...highest).prefix(maximum))
        }
        let known = candidates?.base == base ? candidates?.ordinals : nil
        var rest = trimmed(known ?? [], to: lowest...highest)
        if rest.isEmpty {
            // From an open segment new ones may have come since.
            let found = try candidates(in: segment, from: lowest)
            rest = trimmed(found[...], to: lowest...highest)
        }
        candidates = (base, rest)
        return isBackwards ? rest.suffix(maximum).reversed() : Array(rest.prefix(maximum))
    }

    private func candidates(
        in segment: some Segment, from lowest: UInt32
    ) throws(LogError) -> [UInt32] {
        let matching = try segment.candidates(query, from: lowest)
        guard isOfStarts else { return matching ?? [] }
        let starts = try segment.ordinals(.start, from: lowest)
        return matching.map { intersection($0, starts) } ?? starts
    }

    private func trimmed(
        _ ordinals: ArraySlice<UInt32>, to range: ClosedRange<UInt32>
    ) -> ArraySlice<UInt32> {
        let start = ordinals.partitioningIndex { $0 >= range.lowerBound }
        let end = ordinals.partitioningIndex { $0 > range.upperBound }
        return ordinals[start..<end]
    }

    /// Goes on behind `position`; if it was given, one event less is wanted.
    mutating func advance(past position: UInt64, wasGiven: Bool) {
        if wasGiven { limit -= 1 }
        go(to: isBackwards ? position - 1 : position + 1)
    }

    private mutating func go(to next: UInt64) {
        if isBackwards {
            position = max(next, (to ?? 1) - 1)
            isDone = limit == 0 || next < to ?? 1
        } else {
            let last = to ?? .max - 1
            position = min(next, last + 1)
            isDone = limit == 0 || next > last
        }
    }

    func wants(_ event: RecordedEvent) -> Bool {
        query.matches(event) && times?.contains(event.time) ?? true
            && (!isOfStarts || event.revision == 0)
    }

    /// Whether every event at the positions that are wanted is.
    var isOfAll: Bool { query.isAll && times == nil && !isOfStarts }
}

/// Records that a reader wanted, back to back.
public struct LogChunk: Sendable {
    public internal(set) var bytes: [UInt8] = []
    public internal(set) var count = 0

    public init() {}
}
