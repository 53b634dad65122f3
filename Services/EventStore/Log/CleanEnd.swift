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
    private static let name = "clean-end"
    private static let magic = Array("DAYBKEND".utf8)

    let position: UInt64

    func write(to storage: any LogStorage) throws(LogError) {
        var bytes = Self.magic
        bytes.append(littleEndian: position)
        let sum = CRC32C.checksum(bytes.span)
        bytes.append(littleEndian: sum)
        try storage.put(Self.name, bytes.span)
    }

    /// Returns the marker in `storage`, or nil if it is missing or invalid.
    static func read(from storage: any LogStorage) throws(LogError) -> CleanEnd? {
        let bytes = try storing { () throws(StorageError) -> [UInt8] in
            guard try storage.names().contains(name) else { return [] }
            return try storage.read(name, at: 0, count: 20)
        }
        guard bytes.count == 20, bytes.starts(with: magic),
            CRC32C.checksum(bytes.span.extracting(first: 16)) == bytes.span.uint32(at: 16)
        else { return nil }
        return CleanEnd(position: min(bytes.span.uint64(at: 8), SegmentHeader.greatestPosition))
    }

    static func remove(from storage: any LogStorage) throws(LogError) {
        try storing { () throws(StorageError) in
            if try storage.names().contains(name) { try storage.remove(name) }
        }
    }
}
