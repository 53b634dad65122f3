public import EventSourcing

/// One stream in a list of streams.
public struct StreamSummary: Hashable, Sendable {
    /// The name of the stream.
    public var name: StreamName
    /// The position of the stream's first event.
    public var first: UInt64
    /// The commit time of the first event.
    public var createdAt: Timestamp
    /// The position of the stream's last event.
    public var last: UInt64
    /// The commit time of the last event.
    public var changedAt: Timestamp
    /// The revision of the last event.
    public var revision: UInt64
}

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
    ) throws(LogError) -> [StreamSummary] {
        guard position < head else { return [] }
        let query = category.map { EventQuery.categories([$0]) } ?? .all
        var read = LogRead(query, isOfStarts: true, from: position + 1, limit: limit)
        var summaries: [StreamSummary] = []
        while true {
            let chunk = try self.read(&read)
            guard chunk.count > 0, let starts = try? RecordSequence(chunk.bytes[...]) else { break }
            for start in starts { summaries.append(try summary(of: start)) }
        }
        return summaries
    }

    private func summary(of start: RecordedEvent) throws(LogError) -> StreamSummary {
        var read = LogRead(.stream(start.stream), isBackwards: true, from: head, limit: 1)
        let chunk = try self.read(&read)
        let last = try? RecordSequence(chunk.bytes[...]).first { _ in true }
        let end = last ?? start
        return StreamSummary(
            name: start.stream, first: start.position, createdAt: start.time, last: end.position,
            changedAt: end.time, revision: end.revision)
    }

    /// Counts the log's events, streams, segments and bytes.
    public func statistics() throws(LogError) -> LogStatistics {
        let recent = sealing + [open].compactMap(\.self)
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
