public import EventSourcing

/// A stream, as a list of streams shows it.
public struct StreamSummary: Hashable, Sendable {
    public var name: StreamName
    /// The position and time of its first event.
    public var first: UInt64
    public var createdAt: Timestamp
    /// The position, time and revision of its last event.
    public var last: UInt64
    public var changedAt: Timestamp
    public var revision: UInt64
}

/// What there is of a log.
public struct LogStatistics: Hashable, Sendable {
    public var events: UInt64
    public var streams: Int
    public var segments: Int
    /// Of records, on disk.
    public var bytes: Int
}

extension EventLog {
    /// Up to `limit` streams that begin behind `position`, in the order in which they began.
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
