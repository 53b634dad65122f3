import Bytes
import EventSourcing

/// The marker of a log that was closed, with the position at which it ended.
///
/// While the marker exists, an invalid record up to that position is damage and not a torn append.
/// The log removes the marker before it writes again.
///
///     offset size
///          0    8  "DAYBKEND"
///          8    8  position of the last event
///         16    4  CRC32C of bytes 0..<16
struct CleanEnd {
    static let name = "clean-end"
    private static let magic = Array("DAYBKEND".utf8)

    let position: UInt64

    func write(to storage: any LogStorage) throws(LogError) {
        let bytes = [UInt8](mark: Self.magic, position)
        try storage.put(Self.name, bytes.span)
    }

    /// Returns the marker in `storage`, or nil if it is missing or invalid.
    static func read(from storage: any LogStorage) throws(LogError) -> CleanEnd? {
        let bytes = try storage.has(name) ? try storage.read(name, at: 0, count: 20) : []
        guard bytes.span.isHeader(magic, checksumAt: 16) else { return nil }
        return CleanEnd(position: min(bytes.span.uint64(at: 8), SegmentHeader.greatestPosition))
    }
}
