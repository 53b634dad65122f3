public import EventSourcing

extension EventLog {
    /// What computes the chain's hash at the head as it is now, on a thread of its own.
    public var chainReader: ChainReader {
        var recent = sealing.map {
            ChainSegment(base: $0.base, next: $0.nextPosition, end: $0.end)
        }
        if let open, head >= open.base {
            recent.append(
                ChainSegment(base: open.base, next: head + 1, end: open.end - group.count))
        }
        return ChainReader(
            log: id, head: head, time: headTime, sealed: sealed.chain, recent: recent,
            storage: storage)
    }
}

/// Computes the chain's hash at the head of a log as it once was, on any thread, while the log goes
/// on: what is committed does not change.
public struct ChainReader: Sendable {
    public let log: EventID
    public let head: UInt64
    /// When the last event was; nil if there is none.
    public let time: Timestamp?
    fileprivate let sealed: [ChainSegment]
    fileprivate let recent: [ChainSegment]
    fileprivate let storage: any LogStorage

    /// Where the chain is known nearest before the head.
    ///
    /// - Parameter known: a point of this log's chain.
    public func start(after known: ChainPoint?) throws(LogError) -> ChainPoint {
        let stored = try ChainFile.last(of: sealed, log: log, in: storage).end
        guard let known, known.position > stored.position else { return stored }
        return known
    }

    /// The chain at the end of the next segment, or at the head.
    ///
    /// - Throws: when a record does not check, or storage can't be read.
    public func next(after point: ChainPoint) throws(LogError) -> ChainPoint {
        let segment = (sealed + recent).first { $0.next > point.position + 1 }
        guard let segment else { return point }
        var fold = ChainFold(after: point)
        try fold.add(segment, in: storage)
        return fold.point
    }
}
