import Bytes
import EventSourcing

/// The log's record of how far it extends, in a file beside its segments. It reveals a lost
/// segment.
///
/// The log replaces the file, with a sync, when it starts a segment. It overwrites the file after
/// each commit, without a sync. After a crash of the machine the file may be older than the log,
/// but never newer.
///
///     offset size
///          0    8  "DAYBKMAN"
///          8    4  version
///         12    4  zero
///         16    8  position of the first record of the last segment
///         24   16  identity of the log
///         40    8  salt of the log
///         48    8  position of an event that is on disk, with all before it; or 0
///         56    4  zero
///         60    4  CRC32C of bytes 0..<60
struct LogManifest: Hashable {
    static let name = "manifest"
    private static let version: UInt32 = 1
    private static let size = 64
    private static let magic = Array("DAYBKMAN".utf8)

    let log: EventID
    let salt: UInt64
    /// The position of the first record of the last segment.
    var lastBase: UInt64
    /// The position up to which every event has been on disk.
    var durable: UInt64

    private var bytes: [UInt8] {
        [UInt8](
            mark: Self.magic, Self.version, UInt32(0), lastBase, log, salt, durable, UInt32(0))
    }

    /// Creates or replaces the file. It is on disk when this returns.
    func put(to storage: any LogStorage) throws(LogError) {
        try storage.put(Self.name, bytes.span)
    }

    /// Overwrites the file, without a sync. It is one sector, which a crash leaves old or new.
    func write(to storage: any LogStorage) throws(LogError) {
        try storage.write(Self.name, bytes.span, at: 0)
    }

    /// Reads the file in `storage`. Nil if it is missing, as in logs of earlier versions and in
    /// copies of some segments.
    static func read(from storage: any LogStorage) throws(LogError) -> LogManifest? {
        guard try storage.has(name) else { return nil }
        let bytes = try storage.read(name, at: 0, count: size + 1)
        let span = bytes.span
        guard span.count == size, span.isHeader(magic, checksumAt: 60) else {
            throw .damaged(
                segment: name, offset: 0, position: 0,
                "its checksum does not match; if no segment is missing, remove it, and the store "
                    + "makes it again")
        }
        guard span.uint32(at: 8) == version else {
            throw .unknownVersion(segment: name, span.uint32(at: 8))
        }
        let greatest = SegmentHeader.greatestPosition
        return LogManifest(
            log: span.eventID(at: 24), salt: span.uint64(at: 40),
            lastBase: min(span.uint64(at: 16), greatest),
            durable: min(span.uint64(at: 48), greatest))
    }
}
