import Bytes
import EventSourcing
import Synchronization

/// A segment that is never written to again.
///
/// Any thread may read it. Only a few kilobytes of its index are in memory.
final class SealedSegment: Segment {
    let index: IndexFile
    let binding: SegmentBinding
    private let storage: any LogStorage
    private let fences: [UInt64]
    private let knownTotals = Mutex<(streams: Int, bytes: Int)?>(nil)

    var base: UInt64 { index.base }
    var count: Int { index.count }
    var firstTime: Int64 { index.firstTime }
    var lastTime: Int64 { index.lastTime }
    var termSteps: Int { 300 }
    var name: String { SegmentHeader.name(base: base) }
    private var indexName: String { IndexFile.name(base: base) }

    /// Opens the segment by its index, and returns its filter.
    ///
    /// - Returns: nil if the index is invalid, outdated or made for another filter size.
    static func open(
        _ header: SegmentHeader, filterWords: Int, in storage: any LogStorage
    ) throws(LogError) -> (segment: SealedSegment, filter: [UInt64])? {
        let name = header.indexName
        let size = try storage.size(of: name)
        let head = try storage.read(name, at: 0, count: IndexFile.headerSize)
        guard let (index, sum) = IndexFile.read(head.span), index.base == header.base,
            index.log == header.log, index.filterWords == filterWords, index.size == size
        else { return nil }
        let bytes = try storage.read(
            name, at: index.fencesOffset, count: index.offsetsOffset - index.fencesOffset)
        guard CRC32C.checksum(bytes.span) == sum else { return nil }
        let words = (0..<bytes.count / 8).map { bytes.span.uint64(at: $0 * 8) }
        let segment = SealedSegment(
            index, header.binding, fences: Array(words.prefix(index.blocks)), storage)
        return (segment, Array(words.dropFirst(index.blocks)))
    }

    private init(
        _ index: IndexFile, _ binding: SegmentBinding, fences: [UInt64], _ storage: any LogStorage
    ) {
        self.index = index
        self.binding = binding
        self.fences = fences
        self.storage = storage
    }

    func offsets(of ordinals: ClosedRange<Int>) throws(LogError) -> [UInt32] {
        let at = index.offsetsOffset + ordinals.lowerBound * 4
        let bytes = try read(at, ordinals.count * 4)
        let offsets = (0..<ordinals.count).map { bytes.span.uint32(at: $0 * 4) }
        // Offsets have no checksum. A wrong one leads to a record that is invalid.
        guard zip(offsets, offsets.dropFirst()).allSatisfy(<) else {
            throw .damagedIndex(indexName, offset: at)
        }
        return offsets
    }

    func ordinals(_ term: Term, from first: UInt32) throws(LogError) -> [UInt32] {
        guard let (start, count) = try entry(term) else { return [] }
        guard count > 1 else { return start >= first ? [start] : [] }
        let at = index.postingsOffset + Int(start) * 4
        let bytes = try read(at, Int(count) * 4 + 4)
        let span = bytes.span
        guard span.hasChecksum(at: Int(count) * 4) else {
            throw .damagedIndex(indexName, offset: at)
        }
        var found: [UInt32] = []
        found.reserveCapacity(Int(count))
        for index in 0..<Int(count) {
            let ordinal = span.uint32(at: index * 4)
            if ordinal >= first { found.append(ordinal) }
        }
        return found
    }

    /// Returns how many records may have the term.
    func count(of term: Term) throws(LogError) -> Int { Int(try entry(term)?.count ?? 0) }

    /// Returns the number of streams that begin in the segment, and the bytes of its records.
    func totals() throws(LogError) -> (streams: Int, bytes: Int) {
        if let known = knownTotals.withLock({ $0 }) { return known }
        let end = try offsets(of: count...count)[0]
        let totals = (
            streams: try count(of: .start), bytes: Int(end) - SegmentHeader.size
        )
        knownTotals.withLock { $0 = totals }
        return totals
    }

    /// Returns where the term's postings start, and their number. Nil if no record has the term.
    private func entry(_ term: Term) throws(LogError) -> (start: UInt32, count: UInt32)? {
        // The last block whose first hash is not above the term's.
        let block = fences.partitioningIndex { $0 > term.hash } - 1
        guard block >= 0 else { return nil }
        let at = index.blocksOffset + block * IndexFile.blockSize
        let bytes = try read(at, IndexFile.blockSize)
        let span = bytes.span
        guard span.hasChecksum(at: IndexFile.blockSize - 4) else {
            throw .damagedIndex(indexName, offset: at)
        }
        let inBlock = min(
            IndexFile.termsPerBlock, index.terms - block * IndexFile.termsPerBlock)
        let place = (0..<inBlock).partitioningIndex { span.uint64(at: $0 * 16) >= term.hash }
        guard place < inBlock, span.uint64(at: place * 16) == term.hash else { return nil }
        return (span.uint32(at: place * 16 + 8), span.uint32(at: place * 16 + 12))
    }

    private func read(_ offset: Int, _ count: Int) throws(LogError) -> [UInt8] {
        let name = indexName
        let bytes = try storage.read(name, at: offset, count: count)
        guard bytes.count == count else { throw .damagedIndex(name, offset: offset) }
        return bytes
    }
}
