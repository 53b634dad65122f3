import Bytes
import EventSourcing

/// The hash chain of a sealed segment, in a file beside it: the hash after the last record, and the
/// first eight bytes of the hash after each record.
///
/// The file can be rebuilt from the segments. But a rebuilt file no longer shows whether a segment
/// was altered before.
///
///     offset size
///          0    8  "DAYBKCHN"
///          8    4  version
///         12    4  number of records
///         16    8  position of the first record
///         24   16  identity of the log
///         40   32  the hash after the last record
///         72    4  CRC32C of the links
///         76    4  CRC32C of bytes 0..<76
///         80       links: for each record, the first 8 bytes of the hash after it
struct ChainFile {
    static let version: UInt32 = 1
    static let suffix = ".chain"
    private static let headerSize = 80
    private static let magic = Array("DAYBKCHN".utf8)

    private let bytes: [UInt8]

    static func name(base: UInt64) -> String { SegmentHeader.fileName(base: base) + suffix }

    /// The point of the chain at the end of the segment.
    var end: ChainPoint {
        let span = bytes.span
        return ChainPoint(
            position: span.uint64(at: 16) + UInt64(span.uint32(at: 12)) - 1,
            hash: ChainHash(span, at: 40))
    }

    /// The links: for each record, in order, the first eight bytes of the hash after it.
    var links: [UInt64] {
        stride(from: Self.headerSize, to: bytes.count, by: 8).map {
            bytes.span.uint64(at: $0).byteSwapped
        }
    }

    /// Computes the file from the segment.
    ///
    /// - Parameter previous: the point of the chain at the end of the segment before.
    /// - Throws: `LogError` if a record is invalid or storage fails.
    init(
        of segment: ChainSegment, after previous: ChainPoint, log: EventID,
        in storage: any LogStorage
    ) throws(LogError) {
        var links: [UInt8] = []
        var fold = ChainFold(after: previous)
        try fold.add(segment, in: storage) { links.append(littleEndian: $0.hash.link.byteSwapped) }
        bytes =
            [UInt8](
                mark: Self.magic, Self.version, UInt32(segment.next - segment.base), segment.base,
                log, fold.point.hash, CRC32C.checksum(links.span)) + links
    }

    /// Reads the segment's file. Nil if it is missing, invalid or of another segment.
    init?(_ segment: ChainSegment, log: EventID, in storage: any LogStorage) throws(LogError) {
        let name = Self.name(base: segment.base)
        bytes = try storage.has(name) ? try storage.contents(of: name) : []
        let count = Int(segment.next - segment.base)
        let span = bytes.span
        guard span.count == Self.headerSize + count * 8,
            span.isHeader(Self.magic, checksumAt: 76), span.uint32(at: 8) == Self.version,
            span.uint32(at: 12) == count,
            span.uint64(at: 16) == segment.base, span.eventID(at: 24) == log,
            CRC32C.checksum(span.extracting(Self.headerSize..<span.count)) == span.uint32(at: 72)
        else { return nil }
    }

    /// Returns how many sealed segments, counted from the first, have files, and the point of the
    /// chain after them.
    static func last(
        of segments: [ChainSegment], log: EventID, in storage: any LogStorage
    ) throws(LogError) -> (count: Int, end: ChainPoint) {
        let names = Set(try storage.names())
        let present = segments.prefix { names.contains(name(base: $0.base)) }
        // A damaged file counts as missing.
        for (index, segment) in present.enumerated().reversed() {
            let file = try ChainFile(segment, log: log, in: storage)
            if let file { return (index + 1, file.end) }
        }
        return (0, ChainPoint(startOf: log))
    }

    /// Returns the point of the chain at the end of the segment. Writes the file if there is no
    /// valid one.
    static func end(
        of segment: ChainSegment, after previous: ChainPoint, log: EventID,
        in storage: any LogStorage
    ) throws(LogError) -> ChainPoint {
        if let file = try ChainFile(segment, log: log, in: storage) { return file.end }
        let file = try ChainFile(of: segment, after: previous, log: log, in: storage)
        try storage.put(name(base: segment.base), file.bytes.span)
        return file.end
    }
}
