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
    /// The time of its earliest event (`RecordedEvent.occurredAt`).
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
    public var name: String { "\(from.hexadecimal)-\(through.hexadecimal)\(Self.suffix)" }

    static let suffix = ".segment"
    /// The largest size of a segment's records, in bytes. A reader allots no more, whatever a
    /// damaged or forged archive declares.
    static let maximumBytes = 8 << 20

    /// Returns the positions in the name, or nil if it is not a segment's.
    static func positions(in name: Substring) -> ClosedRange<UInt64>? {
        guard name.hasSuffix(suffix) else { return nil }
        let words = name.dropLast(suffix.count).split(separator: "-")
        guard words.count == 2, let from = UInt64(words[0], radix: 16),
            let through = UInt64(words[1], radix: 16), from <= through
        else { return nil }
        return from...through
    }

    /// Returns the damage of the segment's object at `key` after the position, or of all of it.
    func damage(
        at key: String, after position: UInt64? = nil, _ reason: String
    ) -> ArchiveError {
        .damaged(segment: key, validThrough: position ?? from - 1, last: through, reason)
    }
}

/// The header of a segment's object. docs/archive.md lists its bytes.
enum ArchiveSegmentHeader {
    static let size = 128
    static let version: UInt32 = 1
    private static let magic = Array("DAYBKARC".utf8)
    /// Where the fields end. Zeros follow, up to the checksum.
    private static let end = 100

    static func bytes(of segment: ArchiveSegment, log: EventID) -> [UInt8] {
        [UInt8](
            mark: magic, version, segment.codec.rawValue, log, segment.from, segment.through,
            segment.first, segment.last, segment.firstTime.microseconds,
            segment.lastTime.microseconds, segment.events, segment.storedBytes,
            segment.storedChecksum, segment.bytes, segment.checksum, UInt64(0), UInt64(0),
            UInt64(0))
    }

    /// Returns what is wrong with the header at the start of `object`, or nil if it is the
    /// segment's.
    ///
    /// - Parameter key: the object's key, for error messages.
    static func damage(
        of object: [UInt8], _ segment: ArchiveSegment, log: EventID, key: String
    ) -> ArchiveError? {
        let found = object.span
        guard found.isHeader(magic, checksumAt: size - 4) else {
            return segment.damage(at: key, "its header is invalid")
        }
        guard found.uint32(at: 8) == version else {
            return .unknownVersion(object: key, Int(found.uint32(at: 8)))
        }
        if object.prefix(end) == bytes(of: segment, log: log).prefix(end) { return nil }
        let isValid = ArchiveCodec(rawValue: found.uint32(at: 12)) != nil
        return segment.damage(
            at: key, isValid ? "its header differs from the manifest" : "its header is invalid")
    }
}
