public import Bytes

/// Where each field of a record lies: the one encoding on disk, on the wire and in the archive.
///
/// All integers are little-endian. The first 48 bytes, the head, belong to the store; the rest, the
/// body, is written once by the producer and never changed. docs/protocol.md specifies it.
///
///     offset size  field                     written by
///          0    4  length of the record      producer
///          4    4  CRC32C of the body        producer
///          8    8  position                  store
///         16    8  previous in category      store
///         24    8  revision                  store
///         32    8  time                      store
///         40    1  layout version            producer
///         41    1  flags                     store
///         42    2  zero
///         44    4  CRC32C of bytes 0..<44    store
///         48   16  id                        producer, as all that follows
///         64   16  correlation id
///         80   16  causation id
///         96    1  length of the stream name
///         97    1  length of the type
///         98    1  length of the content type
///         99    1  number of tags
///        100    2  length of the tags
///        102    2  zero
///        104    4  length of the metadata
///        108    4  length of the data
///        112       stream name, type, content type, tags (a length byte before each), metadata,
///                  data, zeros up to a multiple of eight
public enum RecordLayout {
    /// The version of this layout.
    public static let version: UInt8 = 1
    public static let headSize = 48
    public static let headerSize = 112

    public static let length = 0
    public static let bodyChecksum = 4
    public static let position = 8
    public static let previousInCategory = 16
    public static let revision = 24
    public static let time = 32
    public static let layoutVersion = 40
    public static let flags = 41
    public static let headChecksum = 44
    public static let id = 48
    public static let correlationID = 64
    public static let causationID = 80
    public static let streamLength = 96
    public static let typeLength = 97
    public static let contentTypeLength = 98
    public static let tagCount = 99
    public static let tagsLength = 100
    public static let metadataLength = 104
    public static let dataLength = 108

    /// In `flags`: the next record belongs to the same append.
    public static let moreOfAppend: UInt8 = 1
    /// In `flags`: everything before this record was on disk when it was written.
    public static let startsCommit: UInt8 = 2

    /// `count` rounded up to a multiple of eight.
    @inlinable public static func padded(_ count: Int) -> Int { (count + 7) & ~7 }
}

/// The fixed part of a record, read in one go.
public struct RecordHeader: Sendable {
    public let length: Int
    public let bodyChecksum: UInt32
    public let position: UInt64
    public let previousInCategory: UInt64
    public let revision: UInt64
    public let time: Int64
    public let version: UInt8
    public let flags: UInt8
    public let headChecksum: UInt32
    public let id: EventID
    public let correlationID: EventID
    public let causationID: EventID
    public let stream: Range<Int>
    public let type: Range<Int>
    public let contentType: Range<Int>
    public let tagCount: Int
    public let tags: Range<Int>
    public let metadata: Range<Int>
    public let data: Range<Int>

    /// Reads the header at the start of `bytes`, or nothing when there are too few, or when the
    /// lengths it names do not add up. The ranges count from the start of the record.
    @inlinable public init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= RecordLayout.headerSize else { return nil }
        length = Int(bytes.uint32(at: RecordLayout.length))
        bodyChecksum = bytes.uint32(at: RecordLayout.bodyChecksum)
        position = bytes.uint64(at: RecordLayout.position)
        previousInCategory = bytes.uint64(at: RecordLayout.previousInCategory)
        revision = bytes.uint64(at: RecordLayout.revision)
        time = Int64(bitPattern: bytes.uint64(at: RecordLayout.time))
        version = bytes.uint8(at: RecordLayout.layoutVersion)
        flags = bytes.uint8(at: RecordLayout.flags)
        headChecksum = bytes.uint32(at: RecordLayout.headChecksum)
        id = bytes.eventID(at: RecordLayout.id)
        correlationID = bytes.eventID(at: RecordLayout.correlationID)
        causationID = bytes.eventID(at: RecordLayout.causationID)
        var end = RecordLayout.headerSize
        func next(_ count: Int) -> Range<Int> {
            defer { end += count }
            return end..<end + count
        }
        stream = next(Int(bytes.uint8(at: RecordLayout.streamLength)))
        type = next(Int(bytes.uint8(at: RecordLayout.typeLength)))
        contentType = next(Int(bytes.uint8(at: RecordLayout.contentTypeLength)))
        tagCount = Int(bytes.uint8(at: RecordLayout.tagCount))
        tags = next(Int(bytes.uint16(at: RecordLayout.tagsLength)))
        metadata = next(Int(bytes.uint32(at: RecordLayout.metadataLength)))
        data = next(Int(bytes.uint32(at: RecordLayout.dataLength)))
        guard length == RecordLayout.padded(end) else { return nil }
    }
}

extension Span<UInt8> {
    /// The id in the octet order of RFC 9562.
    @inlinable public func eventID(at offset: Int) -> EventID {
        EventID(
            high: uint64(at: offset).byteSwapped,
            low: uint64(at: offset + 8).byteSwapped)
    }
}
