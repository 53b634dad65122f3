public import EventSourcing

extension EventLog {
    /// A reader that computes the chain's hash at the current head, for use on another thread.
    public var chainReader: ChainReader {
        var recent = sealing.map {
            ChainSegment(base: $0.base, next: $0.nextPosition, end: $0.end)
        }
        if head >= open.base {
            recent.append(
                ChainSegment(base: open.base, next: head + 1, end: open.end - group.count))
        }
        return ChainReader(
            log: id, head: head, time: headTime, sealed: sealed.chain, recent: recent,
            storage: storage)
    }
}

/// Computes the chain's hash at the head that a log had when the reader was made.
///
/// The reader works on any thread while the log is written to, because committed events never
/// change.
public struct ChainReader: Sendable {
    /// The identity of the log.
    public let log: EventID
    /// The position of the last event, or 0.
    public let head: UInt64
    /// The commit time of the last event, or nil if the log is empty.
    public let time: Timestamp?
    fileprivate let sealed: [ChainSegment]
    fileprivate let recent: [ChainSegment]
    fileprivate let storage: any LogStorage

    /// Returns the last known point of the chain before the head.
    ///
    /// - Parameter known: a point of this log's chain.
    /// - Throws: `LogError` if storage can't be read.
    public func start(after known: ChainPoint?) throws(LogError) -> ChainPoint {
        let stored = try ChainFile.last(of: sealed, log: log, in: storage).end
        guard let known, known.position > stored.position else { return stored }
        return known
    }

    /// Returns the point of the chain at the end of the next segment, or at the head.
    ///
    /// - Throws: `LogError` if a record is invalid or storage can't be read.
    public func next(after point: ChainPoint) throws(LogError) -> ChainPoint {
        let segment = (sealed + recent).first { $0.next > point.position + 1 }
        guard let segment else { return point }
        var fold = ChainFold(after: point)
        try fold.add(segment, in: storage)
        return fold.point
    }
}
