import Bytes
public import EventSourcing

/// How a segment's records are stored.
public enum ArchiveCodec: UInt32, Codable, Sendable {
    /// As they are, without compression.
    case stored = 0
    /// Compressed by zlib (RFC 1950).
    case zlib = 1
}

/// A sealed segment, as described by the manifest and by its own header.
///
/// It holds every event of the archive at the positions `from...through`. `from` is where the
/// segment before it ended, so a missing segment is noticed.
public struct ArchiveSegment: Hashable, Sendable, Codable {
    /// The first position that the segment covers.
    public let from: UInt64
    /// The last position that the segment covers.
    public let through: UInt64
    /// The position of its first event.
    public let first: UInt64
    /// The position of its last event.
    public let last: UInt64
    /// The commit time of its first event.
    public let firstTime: Timestamp
    /// The commit time of its last event.
    public let lastTime: Timestamp
    /// The number of its events.
    public let events: UInt32
    /// How its records are stored.
    public let codec: ArchiveCodec
    /// The size of the records as stored, after the header, in bytes.
    public let storedBytes: UInt32
    /// The CRC32C of the records as stored.
    public let storedChecksum: UInt32
    /// The size of the records as they are in the log, in bytes.
    public let bytes: UInt32
    /// The CRC32C of the records as they are in the log.
    public let checksum: UInt32

    /// The name of the object within its archive. Names sort as positions do. Segments with the
    /// same name have the same events.
    public var name: String { "\(Self.hex(from))-\(Self.hex(through))\(Self.suffix)" }

    static let suffix = ".segment"

    /// Returns the positions in the name, or nil if it is not a segment's.
    static func positions(in name: Substring) -> ClosedRange<UInt64>? {
        guard name.hasSuffix(suffix) else { return nil }
        let words = name.dropLast(suffix.count).split(separator: "-")
        guard words.count == 2, let from = UInt64(words[0], radix: 16),
            let through = UInt64(words[1], radix: 16), from <= through
        else { return nil }
        return from...through
    }

    private static func hex(_ position: UInt64) -> String {
        let digits = String(position, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The header of a segment's object. docs/archive.md lists its bytes.
enum ArchiveSegmentHeader {
    static let size = 128
    static let version: UInt32 = 1
    private static let magic = Array("DAYBKARC".utf8)

    static func bytes(of segment: ArchiveSegment, log: EventID) -> [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: segment.codec.rawValue)
        bytes.append(littleEndian: log.high.byteSwapped)
        bytes.append(littleEndian: log.low.byteSwapped)
        for word in [segment.from, segment.through, segment.first, segment.last] {
            bytes.append(littleEndian: word)
        }
        bytes.append(littleEndian: segment.firstTime.microseconds)
        bytes.append(littleEndian: segment.lastTime.microseconds)
        for word in [
            segment.events, segment.storedBytes, segment.storedChecksum, segment.bytes,
            segment.checksum,
        ] { bytes.append(littleEndian: word) }
        bytes.append(contentsOf: repeatElement(0, count: size - 4 - bytes.count))
        bytes.append(littleEndian: CRC32C.checksum(bytes.span))
        return bytes
    }

    enum Problem: Error {
        case noHeader
        case unknownVersion(Int)
    }

    /// Decodes the header at the start of `bytes`.
    static func read(_ bytes: Span<UInt8>) throws(Problem) -> (ArchiveSegment, log: EventID) {
        guard bytes.count >= size, magic.indices.allSatisfy({ bytes[$0] == magic[$0] }),
            CRC32C.checksum(bytes.extracting(first: size - 4)) == bytes.uint32(at: size - 4)
        else { throw .noHeader }
        guard bytes.uint32(at: 8) == version else {
            throw .unknownVersion(Int(bytes.uint32(at: 8)))
        }
        guard let codec = ArchiveCodec(rawValue: bytes.uint32(at: 12)) else { throw .noHeader }
        func time(at offset: Int) -> Timestamp {
            Timestamp(microseconds: Int64(bitPattern: bytes.uint64(at: offset)))
        }
        let segment = ArchiveSegment(
            from: bytes.uint64(at: 32), through: bytes.uint64(at: 40),
            first: bytes.uint64(at: 48), last: bytes.uint64(at: 56),
            firstTime: time(at: 64), lastTime: time(at: 72), events: bytes.uint32(at: 80),
            codec: codec, storedBytes: bytes.uint32(at: 84),
            storedChecksum: bytes.uint32(at: 88), bytes: bytes.uint32(at: 92),
            checksum: bytes.uint32(at: 96))
        return (segment, bytes.eventID(at: 16))
    }
}
