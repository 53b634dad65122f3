import Bytes
import EventSourcing

/// The index of a sealed segment, in a file beside it: which records have which terms, and where
/// they are. The file is rebuilt from the segment if it is missing, or of a version that had fewer
/// terms.
///
///     offset size
///          0    8  "DAYBKIDX"
///          8    4  version
///         12    4  number of records
///         16    8  position of the first record
///         24   16  identity of the log
///         40    8  time of the first record
///         48    8  time of the last record
///         56    4  number of terms
///         60    4  number of words in the filter
///         64    4  number of words in the postings
///         68    4  zero
///         72    4  CRC32C of the fences and the filter
///         76    4  CRC32C of bytes 0..<76
///         80       fences: the first hash of each block of terms, 8 bytes each
///                  filter: a Bloom filter of the terms, 8 bytes a word
///                  offsets: where each record begins and the last one ends, 4 bytes each
///                  blocks: 256 terms, each hash (8), start (4) and number (4) of its postings, in
///                  the order of the hashes, the last block filled up with zeros; then CRC32C (4)
///                  postings: for each term that more than one record has, their ordinals, 4 bytes
///                  each, ascending, then CRC32C (4); `start` counts words of 4 bytes. A term that
///                  one record has needs none: its `start` is the ordinal.
struct IndexFile: Hashable {
    static let headerSize = 80
    /// Version 2 added the terms of conversations.
    static let version: UInt32 = 2
    static let termsPerBlock = 256
    static let blockSize = termsPerBlock * 16 + 4
    private static let magic = Array("DAYBKIDX".utf8)

    var log: EventID
    var base: UInt64
    var count: Int
    var firstTime: Int64
    var lastTime: Int64
    var terms: Int
    var filterWords: Int
    var postingWords: Int

    var blocks: Int { (terms + Self.termsPerBlock - 1) / Self.termsPerBlock }
    var fencesOffset: Int { Self.headerSize }
    var filterOffset: Int { fencesOffset + blocks * 8 }
    var offsetsOffset: Int { filterOffset + filterWords * 8 }
    var blocksOffset: Int { offsetsOffset + (count + 1) * 4 }
    var postingsOffset: Int { blocksOffset + blocks * Self.blockSize }
    var size: Int { postingsOffset + postingWords * 4 }

    static func name(base: UInt64) -> String { SegmentHeader.fileName(base: base) + ".index" }

    /// Encodes the header.
    ///
    /// - Parameter sum: the CRC32C of the fences and the filter.
    func bytes(sum: UInt32) -> [UInt8] {
        [UInt8](
            mark: Self.magic, Self.version, UInt32(count), base, log, firstTime, lastTime,
            UInt32(terms), UInt32(filterWords), UInt32(postingWords), UInt32(0), sum)
    }

    /// Returns the header in `bytes` and the expected checksum of fences and filter. Nil if `bytes`
    /// is not a header of this version.
    static func read(_ bytes: Span<UInt8>) -> (header: IndexFile, sum: UInt32)? {
        guard let found = self.version(of: bytes), found == version else { return nil }
        let header = IndexFile(
            log: bytes.eventID(at: 24), base: bytes.uint64(at: 16),
            count: Int(bytes.uint32(at: 12)),
            firstTime: Int64(bitPattern: bytes.uint64(at: 40)),
            lastTime: Int64(bitPattern: bytes.uint64(at: 48)),
            terms: Int(bytes.uint32(at: 56)), filterWords: Int(bytes.uint32(at: 60)),
            postingWords: Int(bytes.uint32(at: 64)))
        return (header, bytes.uint32(at: 72))
    }

    /// Whether `bytes` is a header of an earlier version. Such an index must be rebuilt.
    static func isOutdated(_ bytes: Span<UInt8>) -> Bool {
        self.version(of: bytes).map { $0 < version } ?? false
    }

    /// Returns the version of the header in `bytes`, or nil if `bytes` is not a header.
    private static func version(of bytes: Span<UInt8>) -> UInt32? {
        bytes.isHeader(magic, checksumAt: 76) ? bytes.uint32(at: 8) : nil
    }
}

extension IndexFile {
    /// Encodes the index of `segment`. The same segment always gives the same bytes.
    static func encoded(_ segment: OpenSegment, log: EventID, filterWords: Int) -> [UInt8] {
        var filter = TermFilter(words: filterWords)
        var fences: [UInt8] = []
        var blocks: [UInt8] = []
        var postings: [UInt8] = []
        blocks.reserveCapacity((segment.terms / termsPerBlock + 1) * blockSize)
        postings.reserveCapacity(segment.occurrences * 4)
        var index = 0
        segment.forEachPosting { term, ordinals in
            if index.isMultiple(of: termsPerBlock) {
                if index > 0 { seal(&blocks) }
                fences.append(littleEndian: term.hash)
            }
            index += 1
            filter.insert(term)
            let isOne = ordinals.count == 1
            blocks.append(littleEndian: term.hash)
            blocks.append(littleEndian: isOne ? ordinals[0] : UInt32(postings.count / 4))
            blocks.append(littleEndian: UInt32(ordinals.count))
            guard !isOne else { return }
            let start = postings.count
            for ordinal in ordinals { postings.append(littleEndian: ordinal) }
            let sum = CRC32C.checksum(postings.span.extracting(start..<postings.count))
            postings.append(littleEndian: sum)
        }
        if index > 0 { seal(&blocks) }
        let header = IndexFile(
            log: log, base: segment.base, count: segment.count, firstTime: segment.firstTime,
            lastTime: segment.lastTime, terms: segment.terms, filterWords: filterWords,
            postingWords: postings.count / 4)
        for word in filter.words { fences.append(littleEndian: word) }
        var bytes = header.bytes(sum: CRC32C.checksum(fences.span))
        bytes.reserveCapacity(header.size)
        bytes += fences
        for offset in segment.offsets { bytes.append(littleEndian: offset) }
        bytes += blocks
        bytes += postings
        return bytes
    }

    /// Pads the last block with zeros and appends its checksum.
    private static func seal(_ blocks: inout [UInt8]) {
        let start = blocks.count / blockSize * blockSize
        let missing = start + blockSize - 4 - blocks.count
        blocks.append(contentsOf: repeatElement(0, count: missing))
        let sum = CRC32C.checksum(blocks.span.extracting(start..<blocks.count))
        blocks.append(littleEndian: sum)
    }

    /// Writes the index of `segment` to its file.
    static func write(
        _ segment: OpenSegment, log: EventID, filterWords: Int, to storage: any LogStorage
    ) throws(LogError) {
        let bytes = encoded(segment, log: log, filterWords: filterWords)
        try storage.put(name(base: segment.base), bytes.span)
    }
}
