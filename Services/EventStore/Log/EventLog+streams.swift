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

extension EventLog {
    /// Returns up to `limit` streams that begin after `position`, in the order of their first
    /// events.
    public func streams(
        of category: String? = nil, after position: UInt64 = 0, limit: Int
    ) throws(LogError) -> [StreamEntry] {
        guard position < head else { return [] }
        let query = category.map { EventQuery.categories([$0]) } ?? .all
        var read = LogRead(query, isOfStarts: true, from: position + 1, limit: limit)
        var entries: [StreamEntry] = []
        while true {
            let chunk = try self.read(&read)
            guard chunk.count > 0, let starts = try? RecordSequence(chunk.bytes[...]) else { break }
            for start in starts { entries.append(try entry(from: start)) }
        }
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
        for segment in recent { statistics.streams += segment.ordinals(.start).count }
        for segment in sealed.segments {
            statistics.streams += try segment.count(of: .start)
            let end = try segment.offsets(of: segment.count...segment.count)[0]
            statistics.bytes += Int(end) - SegmentHeader.size
        }
        return statistics
    }
}
