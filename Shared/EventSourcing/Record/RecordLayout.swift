public import Bytes

/// The layout of a record, which is the same on disk, on the wire and in archives.
///
/// All integers are little-endian. The first 48 bytes, the head, belong to the store. The producer
/// writes the rest, the body, which never changes. docs/protocol.md specifies the layout.
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
    /// The size of the head, in bytes: the fields of the store.
    public static let headSize = 48
    /// The size of the fixed part, in bytes: the head and the other fields before the stream name.
    public static let headerSize = 112

    /// The offset of the record's length.
    public static let length = 0
    /// The offset of the CRC32C of the body.
    public static let bodyChecksum = 4
    /// The offset of the position.
    public static let position = 8
    /// The offset of the position of the previous event in the category, or of a later amendment.
    public static let previousInCategory = 16
    /// The offset of the revision.
    public static let revision = 24
    /// The offset of the time of commit.
    public static let time = 32
    /// The offset of the layout version.
    public static let layoutVersion = 40
    /// The offset of the flags.
    public static let flags = 41
    /// The offset of the CRC32C of the head before it.
    public static let headChecksum = 44
    /// The offset of the event's id.
    public static let id = 48
    /// The offset of the correlation id.
    public static let correlationID = 64
    /// The offset of the causation id.
    public static let causationID = 80
    /// The offset of the stream name's length.
    public static let streamLength = 96
    /// The offset of the type's length.
    public static let typeLength = 97
    /// The offset of the content type's length.
    public static let contentTypeLength = 98
    /// The offset of the number of tags.
    public static let tagCount = 99
    /// The offset of the length of all tags, with their length bytes.
    public static let tagsLength = 100
    /// The offset of the metadata's length.
    public static let metadataLength = 104
    /// The offset of the data's length.
    public static let dataLength = 108

    /// Set if the next record belongs to the same append.
    public static let moreOfAppend: UInt8 = 1
    /// Set if every earlier record was already on disk when this one was written.
    public static let startsCommit: UInt8 = 2
    /// Set in an answer to a read if an amendment replaced the data. The log never has this flag.
    public static let amended: UInt8 = 4
    /// Set in an answer to a read if an amendment says that readers skip the event. The log never
    /// has this flag.
    public static let skipped: UInt8 = 8
    /// Set if the event was imported from another log. Its metadata holds its original time.
    public static let history: UInt8 = 16
    /// Set beside `history` if rules deliver the event nevertheless.
    public static let deliveredHistory: UInt8 = 32

    /// Returns `count` rounded up to a multiple of eight.
    @inlinable public static func padded(_ count: Int) -> Int { (count + 7) & ~7 }
}

/// The fields of a record's fixed part that readers use, read at once.
public struct RecordHeader: Sendable {
    /// The length of the record in bytes, with padding.
    public let length: Int
    /// The position in the log, or 0 before the append.
    public let position: UInt64
    /// The revision in the stream.
    public let revision: UInt64
    /// The time of commit, in microseconds since 1970 in UTC.
    public let time: Int64
    /// The flags, such as `moreOfAppend`.
    public let flags: UInt8
    /// The CRC32C of the head that the store wrote.
    public let headChecksum: UInt32
    /// The event's id.
    public let id: EventID
    /// The correlation id.
    public let correlationID: EventID
    /// The causation id, or `EventID.none`.
    public let causationID: EventID
    // Headers are copied often, so they have lengths instead of ranges.
    @usableFromInline let lengths: Lengths

    /// The lengths of the fields of variable length, in bytes, and the number of tags.
    @usableFromInline struct Lengths: Sendable {
        @usableFromInline let stream, type, contentType, tagCount: UInt8
        @usableFromInline let tags: UInt16
        @usableFromInline let metadata, data: UInt32

        @inlinable init(_ bytes: Span<UInt8>) {
            stream = bytes.uint8(at: RecordLayout.streamLength)
            type = bytes.uint8(at: RecordLayout.typeLength)
            contentType = bytes.uint8(at: RecordLayout.contentTypeLength)
            tagCount = bytes.uint8(at: RecordLayout.tagCount)
            tags = bytes.uint16(at: RecordLayout.tagsLength)
            metadata = bytes.uint32(at: RecordLayout.metadataLength)
            data = bytes.uint32(at: RecordLayout.dataLength)
        }
    }

    /// The range of the stream name in the record.
    @inlinable public var stream: Range<Int> {
        let start = RecordLayout.headerSize
        return start..<start + Int(lengths.stream)
    }
    /// The range of the type.
    @inlinable public var type: Range<Int> { after(stream, lengths.type) }
    /// The range of the content type.
    @inlinable public var contentType: Range<Int> { after(type, lengths.contentType) }
    /// The number of tags.
    @inlinable public var tagCount: Int { Int(lengths.tagCount) }
    /// The range of the tags, each after its length byte.
    @inlinable public var tags: Range<Int> { after(contentType, lengths.tags) }
    /// The range of the metadata.
    @inlinable public var metadata: Range<Int> { after(tags, lengths.metadata) }
    /// The range of the data.
    @inlinable public var data: Range<Int> { after(metadata, lengths.data) }

    /// Returns the range of a field of `count` bytes that follows another one.
    @inlinable func after(_ field: Range<Int>, _ count: some BinaryInteger) -> Range<Int> {
        field.upperBound..<field.upperBound + Int(count)
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// Returns nil if there are too few bytes or the lengths do not add up. The ranges count from
    /// the start of the record.
    @inlinable public init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= RecordLayout.headerSize else { return nil }
        length = Int(bytes.uint32(at: RecordLayout.length))
        position = bytes.uint64(at: RecordLayout.position)
        revision = bytes.uint64(at: RecordLayout.revision)
        time = Int64(bitPattern: bytes.uint64(at: RecordLayout.time))
        flags = bytes.uint8(at: RecordLayout.flags)
        headChecksum = bytes.uint32(at: RecordLayout.headChecksum)
        id = bytes.eventID(at: RecordLayout.id)
        correlationID = bytes.eventID(at: RecordLayout.correlationID)
        causationID = bytes.eventID(at: RecordLayout.causationID)
        lengths = Lengths(bytes)
        guard length == RecordLayout.padded(data.upperBound) else { return nil }
    }
}

extension Span<UInt8> {
    /// Returns the id of 16 bytes at `offset`, in the octet order of RFC 9562.
    @inlinable public func eventID(at offset: Int) -> EventID {
        EventID(
            high: uint64(at: offset).byteSwapped,
            low: uint64(at: offset + 8).byteSwapped)
    }
}

extension EventID: HeaderField {
    /// Appends the 16 bytes of the id, in the octet order of RFC 9562.
    public func append(to bytes: inout [UInt8]) { bytes.append(self) }
}

extension [UInt8] {
    /// Appends the 16 bytes of the id, in the octet order of RFC 9562.
    @inlinable public mutating func append(_ id: EventID) {
        append(littleEndian: id.high.byteSwapped)
        append(littleEndian: id.low.byteSwapped)
    }
}
