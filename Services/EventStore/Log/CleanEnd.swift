import Bytes
import EventSourcing

/// A note that the log was closed and where it ended. While it is there, what does not check below
/// that position is damaged and not torn. It is removed before the log is written to again.
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

    /// The note in `storage`; nil if there is none that checks.
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
