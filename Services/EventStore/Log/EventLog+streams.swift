public import EventSourcing

/// How much a log holds.
public struct LogStatistics: Hashable, Sendable {
    /// The number of committed events, which is also the log's head.
    public var events: UInt64
    /// The number of streams.
    public var streams: Int
    /// The number of segments, sealed or not.
    public var segments: Int
    /// The size of all records on disk, in bytes.
    public var bytes: Int
}

/// A list of streams that is made in parts, so that a long one delays nobody.
public struct StreamListing: Sendable {
    fileprivate var read: LogRead

    /// Whether the list is complete.
    public var isDone: Bool { read.isDone }
}

extension EventLog {
    /// Returns up to `limit` streams that begin after `position`, in the order of their first
    /// events.
    public func streams(
        of category: String? = nil, after position: UInt64 = 0, limit: Int
    ) throws(LogError) -> [StreamEntry] {
        var listing = listing(of: category, after: position, limit: limit)
        var entries: [StreamEntry] = []
        while !listing.isDone { entries += try streams(&listing) }
        return entries
    }

    /// Starts a list of up to `limit` streams that begin after `position`, in the order of their
    /// first events.
    public func listing(
        of category: String? = nil, after position: UInt64 = 0, limit: Int
    ) -> StreamListing {
        let isEmpty = position >= head
        let query = category.map { EventQuery.categories([$0]) } ?? .all
        var read = LogRead(
            query, isOfStarts: true, from: isEmpty ? head : position + 1, to: head,
            limit: isEmpty ? 0 : limit, chunkBytes: 8 << 10)
        read.stepsPerChunk = 100_000
        return StreamListing(read: read)
    }

    /// Returns the next streams of the list, perhaps none, although it is not complete.
    public func streams(_ listing: inout StreamListing) throws(LogError) -> [StreamEntry] {
        let chunk = try read(&listing.read)
        var entries: [StreamEntry] = []
        guard let starts = try? RecordSequence(chunk.bytes[...]) else { return [] }
        for start in starts { entries.append(try entry(from: start)) }
        return entries
    }

    private func entry(from start: RecordedEvent) throws(LogError) -> StreamEntry {
        var read = LogRead(.stream(start.stream), isBackwards: true, from: head, limit: 1)
        let chunk = try self.read(&read)
        let last = try? RecordSequence(chunk.bytes[...]).first { _ in true }
        return StreamEntry(from: start, to: last ?? start)
    }

    /// Counts the log's events, streams, segments and bytes.
    public func statistics() throws(LogError) -> LogStatistics {
        var statistics = LogStatistics(
            events: head, streams: 0, segments: sealed.segments.count + recent.count,
            bytes: recent.reduce(0) { $0 + $1.end - SegmentHeader.size })
        for segment in recent { statistics.streams += segment.starts }
        for segment in sealed.segments {
            let totals = try segment.totals()
            statistics.streams += totals.streams
            statistics.bytes += totals.bytes
        }
        return statistics
    }
}
