public import EventSourcing

/// What a reader wants of the log.
public struct LogRead: Hashable, Sendable {
    public var query: EventQuery
    public var isBackwards: Bool
    /// Forwards the lowest position wanted, backwards the highest.
    public var from: UInt64
    /// The last position wanted; nil for no bound.
    public var to: UInt64?
    /// Commit times wanted, the last not among them.
    public var times: Range<Timestamp>?
    /// At most this many events.
    public var maximumCount: Int
    /// At most this many bytes; one record is always given, if there is one.
    public var maximumBytes: Int

    public init(
        _ query: EventQuery = .all, isBackwards: Bool = false, from: UInt64 = 1,
        to: UInt64? = nil, times: Range<Timestamp>? = nil, maximumCount: Int = .max,
        maximumBytes: Int = 256 << 10
    ) {
        self.query = query
        self.isBackwards = isBackwards
        self.from = from
        self.to = to
        self.times = times
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }
}

extension LogRead {
    fileprivate func wants(_ position: UInt64) -> Bool {
        isBackwards
            ? position <= from && position >= to ?? 0
            : position >= from && position <= to ?? .max
    }

    fileprivate func wants(_ event: RecordedEvent) -> Bool {
        query.matches(event) && times?.contains(event.time) ?? true
    }
}

/// Committed records that a reader wanted.
public struct LogChunk: Sendable {
    public var events: [RecordedEvent]
    /// Where to read on; nil when the end, or backwards the beginning, is reached.
    public var next: UInt64?
}

extension EventLog {
    /// Reads committed events.
    public func read(_ request: LogRead) throws(LogError) -> LogChunk {
        var chunk = LogChunk(events: [], next: nil)
        var bytes = 0
        let wanted = request.isBackwards ? segments.reversed() : segments
        for segment in wanted where isWanted(segment, request) {
            let ordinals =
                segment.candidates(request.query) ?? (0..<UInt32(segment.count)).map { $0 }
            for ordinal in request.isBackwards ? ordinals.reversed() : ordinals {
                let position = segment.base + UInt64(ordinal)
                guard position <= head, request.wants(position) else { continue }
                let event = try recordedEvent(ordinal, of: segment)
                guard request.wants(event) else { continue }
                let isFull =
                    chunk.events.count >= request.maximumCount
                    || bytes > 0 && bytes + event.bytes.count > request.maximumBytes
                if isFull {
                    chunk.next = position
                    return chunk
                }
                bytes += event.bytes.count
                chunk.events.append(event)
            }
        }
        return chunk
    }

    private func isWanted(_ segment: SegmentIndex, _ request: LogRead) -> Bool {
        request.isBackwards ? segment.base <= request.from : segment.nextPosition > request.from
    }
}
