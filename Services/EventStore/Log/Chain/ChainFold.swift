import Bytes
import EventSourcing

/// Computes the hash chain, record by record.
///
///     hash(0) = SHA-256("daybook chain 1", identity of the log)
///     hash(n) = SHA-256(hash(n - 1), record n)
///
/// A record is hashed as it is on disk, with two fields set to zero. The flag `startsCommit`
/// depends on when the log synced. The head's checksum depends on that flag. So logs with the same
/// events have the same chain, however their commits and segments differ.
struct ChainFold {
    private(set) var point: ChainPoint
    private var message: [UInt8] = []

    init(after point: ChainPoint) { self.point = point }

    /// Adds the record of the next position.
    mutating func add(_ record: Span<UInt8>) {
        message.removeAll(keepingCapacity: true)
        point.hash.append(to: &message)
        message.append(contentsOf: record)
        message[ChainHash.size + RecordLayout.flags] &= ~RecordLayout.startsCommit
        let sum = ChainHash.size + RecordLayout.headChecksum
        for index in sum..<sum + 4 { message[index] = 0 }
        point = ChainPoint(position: point.position + 1, hash: ChainHash(of: message.span))
    }

    /// Adds the records of the segment that come after the current point.
    ///
    /// - Parameter body: called with each new point.
    /// - Throws: `LogError` if a record is invalid or storage fails.
    mutating func add(
        _ segment: ChainSegment, in storage: any LogStorage, _ body: (ChainPoint) -> Void = { _ in }
    ) throws(LogError) {
        let name = segment.name
        let end = if let end = segment.end { end } else { try storage.size(of: name) }
        let contents = try storage.read(name, at: 0, count: end)
        let bytes = contents.span
        let binding = try SegmentHeader(bytes, of: name).binding
        var at = SegmentHeader.size
        for position in segment.base..<segment.next {
            let rest = bytes.extracting(min(at, bytes.count)..<bytes.count)
            guard let header = RecordHeader(rest), header.length <= rest.count,
                header.position == position,
                position <= point.position || SegmentScan.whole(rest, binding.mask(at: at)) != nil
            else {
                throw .damaged(
                    segment: name, offset: at, position: position, "the record is invalid")
            }
            at += header.length
            guard position > point.position else { continue }
            add(rest.extracting(first: header.length))
            body(point)
        }
    }
}

/// What the chain must know of a segment.
struct ChainSegment: Hashable, Sendable {
    let base: UInt64
    /// The position after its last committed record.
    let next: UInt64
    /// Where that record ends, in bytes from the start of the file. Nil for the end of the file.
    var end: Int?

    var name: String { SegmentHeader.name(base: base) }
}

extension SealedSegments {
    var chain: [ChainSegment] {
        segments.map { ChainSegment(base: $0.base, next: $0.nextPosition) }
    }
}
