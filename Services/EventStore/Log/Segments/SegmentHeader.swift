import Bytes
import EventSourcing

/// The header of a segment's file, whose first record is at position `base`.
///
///     offset size
///          0    8  "DAYBKSEG"
///          8    4  version
///         12    4  zero
///         16    8  position of the first record
///         24   16  identity of the log
///         40    8  salt of the log; zero in version 1
///         48    4  size of the file; zero in version 1
///         52    8  zero
///         60    4  CRC32C of bytes 0..<60
///         64       records back to back, then zeros
///
/// Since version 2 the checksum of a record's head is bound to its place (`SegmentBinding`).
struct SegmentHeader: Hashable {
    static let size = 64
    static let version: UInt32 = 2
    private static let magic = Array("DAYBKSEG".utf8)
    /// The largest position a header may name. No log can grow that long.
    static let greatestPosition: UInt64 = 1 << 62

    let base: UInt64
    let log: EventID
    /// The salt of the log; 0 in version 1.
    let salt: UInt64
    /// The size that the file was made with, in bytes; 0 in version 1.
    let fileSize: Int
    /// The binding of the segment's records to their places.
    let binding: SegmentBinding

    var bytes: [UInt8] {
        [UInt8](
            mark: Self.magic, Self.version, UInt32(0), base, log, salt,
            UInt32(clamping: fileSize), UInt64(0))
    }

    /// Creates the header of a new segment.
    ///
    /// - Parameter fileSize: the size of the file, up to 2 GiB.
    init(base: UInt64, log: EventID, salt: UInt64, fileSize: Int) {
        self.base = base
        self.log = log
        self.salt = salt
        self.fileSize = fileSize
        binding = SegmentBinding(log: log, salt: salt, base: base)
    }

    /// Reads the header at the start of a segment.
    ///
    /// - Throws: `LogError` if the header is damaged or of an unknown version.
    init(_ span: Span<UInt8>, of name: String) throws(LogError) {
        guard span.isHeader(Self.magic, checksumAt: 60) else {
            throw .damaged(segment: name, offset: 0, position: 0, "its header is invalid")
        }
        let version = span.uint32(at: 8)
        guard (1...Self.version).contains(version) else {
            throw .unknownVersion(segment: name, version)
        }
        let base = span.uint64(at: 16)
        guard (1...Self.greatestPosition).contains(base) else {
            throw .damaged(segment: name, offset: 0, position: 0, "its header has no position")
        }
        let salt = version == 1 ? 0 : span.uint64(at: 40)
        self.init(
            base: base, log: span.eventID(at: 24), salt: salt,
            fileSize: version == 1 ? 0 : Int(span.uint32(at: 48)))
    }

    static let suffix = ".segment"

    var indexName: String { IndexFile.name(base: base) }

    static func name(base: UInt64) -> String { fileName(base: base) + suffix }

    /// Returns the first position of the segment with this file name, or nil if it is not a
    /// segment's.
    static func base(ofName name: String) -> UInt64? {
        let base = UInt64(name.dropLast(suffix.count), radix: 16)
        return base.flatMap { self.name(base: $0) == name ? $0 : nil }
    }

    /// Returns the common start of the names of a segment's files. The names sort as the segments
    /// do.
    static func fileName(base: UInt64) -> String { base.hexadecimal }
}
