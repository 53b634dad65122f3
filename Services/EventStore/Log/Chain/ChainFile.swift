import Bytes
import EventSourcing

/// The chain's hashes along a sealed segment, in a file beside it: the whole of the last one, and
/// the first eight bytes of each. It says nothing that the segments do not, and is made again from
/// them when it is not there; but then it can't tell any more that one of them was altered.
///
///     offset size
///          0    8  "DAYBKCHN"
///          8    4  version
///         12    4  number of records
///         16    8  position of the first record
///         24   16  identity of the log
///         40   32  the hash behind the last record
///         72    4  CRC32C of the links
///         76    4  CRC32C of bytes 0..<76
///         80       links: of the hash behind each record the first 8 bytes
struct ChainFile {
    static let version: UInt32 = 1
    static let suffix = ".chain"
    private static let headerSize = 80
    private static let magic = Array("DAYBKCHN".utf8)

    private let bytes: [UInt8]

    static func name(base: UInt64) -> String { SegmentHeader.fileName(base: base) + suffix }

    /// The chain at the end of the segment.
    var end: ChainPoint {
        let span = bytes.span
        return ChainPoint(
            position: span.uint64(at: 16) + UInt64(span.uint32(at: 12)) - 1,
            hash: ChainHash(span, at: 40))
    }

    /// What is kept of the hash behind each record, in order.
    var links: [UInt64] {
        stride(from: Self.headerSize, to: bytes.count, by: 8).map {
            bytes.span.uint64(at: $0).byteSwapped
        }
    }

    /// The file of the segment, made from it.
    ///
    /// - Parameter previous: the chain at the end of the segment before.
    init(
        of segment: ChainSegment, after previous: ChainPoint, log: EventID,
        in storage: any LogStorage
    ) throws(LogError) {
        var links: [UInt8] = []
        var fold = ChainFold(after: previous)
        try fold.add(segment, in: storage) { links.append(littleEndian: $0.hash.link.byteSwapped) }
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(segment.next - segment.base))
        bytes.append(littleEndian: segment.base)
        bytes.append(littleEndian: log.high.byteSwapped)
        bytes.append(littleEndian: log.low.byteSwapped)
        fold.point.hash.append(to: &bytes)
        bytes.append(littleEndian: CRC32C.checksum(links.span))
        let sum = CRC32C.checksum(bytes.span)
        bytes.append(littleEndian: sum)
        self.bytes = bytes + links
    }

    /// The file that is there; nil if there is none, or it is not the segment's, or does not check.
    init?(_ segment: ChainSegment, log: EventID, in storage: any LogStorage) throws(LogError) {
        let name = Self.name(base: segment.base)
        bytes = try storing { () throws(StorageError) in
            guard try storage.names().contains(name) else { return [] }
            return try storage.read(name, at: 0, count: try storage.size(of: name))
        }
        let count = Int(segment.next - segment.base)
        let span = bytes.span
        guard span.count == Self.headerSize + count * 8, bytes.starts(with: Self.magic),
            CRC32C.checksum(span.extracting(first: 76)) == span.uint32(at: 76),
            span.uint32(at: 8) == Self.version, span.uint32(at: 12) == count,
            span.uint64(at: 16) == segment.base, span.eventID(at: 24) == log,
            CRC32C.checksum(span.extracting(Self.headerSize..<span.count)) == span.uint32(at: 72)
        else { return nil }
    }

    /// Whether the segment's file is there, and can't be used.
    static func isDamaged(
        _ segment: ChainSegment, log: EventID, in storage: any LogStorage
    ) throws(LogError) -> Bool {
        let isThere = try storing { () throws(StorageError) in
            try storage.names().contains(name(base: segment.base))
        }
        guard isThere else { return false }
        return try ChainFile(segment, log: log, in: storage) == nil
    }

    /// How many segments, sealed ones in order, have their files before the first that has none,
    /// and the chain behind them.
    static func last(
        of segments: [ChainSegment], log: EventID, in storage: any LogStorage
    ) throws(LogError) -> (count: Int, end: ChainPoint) {
        let names = Set(try storing { () throws(StorageError) in try storage.names() })
        var count =
            segments.firstIndex { !names.contains(name(base: $0.base)) } ?? segments.count
        // One that is damaged is as none.
        while count > 0 {
            let file = try ChainFile(segments[count - 1], log: log, in: storage)
            if let file { return (count, file.end) }
            count -= 1
        }
        return (0, ChainPoint(startOf: log))
    }

    /// The chain at the end of the segment; its file is made, if there is none that can be used.
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
