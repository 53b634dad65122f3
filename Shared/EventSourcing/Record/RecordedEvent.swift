public import Bytes

/// An event as the log holds it: a view on the bytes of its record, decoded field by field on
/// demand. Copies share the bytes.
public struct RecordedEvent: Sendable {
    /// The whole record, as RecordLayout lays it out.
    public let bytes: ArraySlice<UInt8>

    /// The record at the start of `bytes`; what follows it is left alone.
    ///
    /// Checks the layout version and that the lengths add up; `verify` checks the sums.
    public init(_ bytes: ArraySlice<UInt8>) throws(RecordError) {
        let header = try RecordHeader.checked(bytes.span)
        self.bytes = bytes.prefix(header.length)
    }

    init(unchecked bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// Place in the log, from 1, without gaps.
    public var position: UInt64 { bytes.span.uint64(at: RecordLayout.position) }
    /// The position of the event before this one in its category, or 0.
    public var previousInCategory: UInt64 {
        bytes.span.uint64(at: RecordLayout.previousInCategory)
    }
    /// Place in the stream, from 0, without gaps.
    public var revision: UInt64 { bytes.span.uint64(at: RecordLayout.revision) }
    /// When the event was committed; never earlier than the event before it.
    public var time: Timestamp {
        Timestamp(microseconds: Int64(bitPattern: bytes.span.uint64(at: RecordLayout.time)))
    }
    public var id: EventID { bytes.span.eventID(at: RecordLayout.id) }
    /// The conversation that the event belongs to.
    public var correlationID: EventID { bytes.span.eventID(at: RecordLayout.correlationID) }
    /// The event (or command) that caused this one, or `EventID.none`.
    public var causationID: EventID { bytes.span.eventID(at: RecordLayout.causationID) }
    /// Whether the next record belongs to the same append.
    public var hasMoreOfAppend: Bool {
        bytes.span.uint8(at: RecordLayout.flags) & RecordLayout.moreOfAppend != 0
    }

    public var stream: StreamName { StreamName(unchecked: text(header.stream)) }
    public var category: String { StreamName.category(of: text(header.stream)) }
    public var type: String { text(header.type) }
    public var contentType: String { text(header.contentType) }
    public var metadata: ArraySlice<UInt8> { slice(header.metadata) }
    public var data: ArraySlice<UInt8> { slice(header.data) }

    public var tags: [String] {
        let header = header
        var rest = slice(header.tags)
        return (0..<header.tagCount).map { _ in
            let count = Int(rest.removeFirst())
            defer { rest.removeFirst(count) }
            return String(decoding: rest.prefix(count), as: UTF8.self)
        }
    }

    /// What the producer wrote: all of the record but the store's head. Two records with equal
    /// bodies are the same event.
    public var body: ArraySlice<UInt8> { bytes.dropFirst(RecordLayout.headSize) }

    /// Checks both sums.
    public func verify() throws(RecordError) {
        let span = bytes.span
        guard RecordHeader.headChecksum(of: span) == span.uint32(at: RecordLayout.headChecksum)
        else { throw .damaged("the checksum of the head does not match") }
        try RecordHeader.verifyBody(span)
    }

    private var header: RecordHeader {
        // The initializer has read this header before, and the bytes do not change.
        RecordHeader(bytes.span)!
    }

    private func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
        bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound]
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: slice(range), as: UTF8.self)
    }
}

/// Bytes that are not a record, and why.
public enum RecordError: ClassifiedError, Hashable {
    case truncated
    case unknownVersion(UInt8)
    case damaged(String)

    public var kind: DaybookError.Kind { .invalid }

    public var description: String {
        switch self {
        case .truncated: "the record is cut short"
        case .unknownVersion(let version):
            "the record has layout version \(version); this program reads \(RecordLayout.version)"
        case .damaged(let reason): "the record is damaged: \(reason)"
        }
    }
}

extension RecordHeader {
    /// The header of the record that starts `bytes`, all of which are there.
    public static func checked(_ bytes: Span<UInt8>) throws(RecordError) -> RecordHeader {
        guard bytes.count >= RecordLayout.headerSize else { throw .truncated }
        let version = bytes.uint8(at: RecordLayout.layoutVersion)
        guard version == RecordLayout.version else { throw .unknownVersion(version) }
        guard let header = RecordHeader(bytes), header.length <= Limits.recordBytes else {
            throw .damaged("its lengths do not add up")
        }
        guard header.length <= bytes.count else { throw .truncated }
        guard header.hasTags(in: bytes) else { throw .damaged("its tags do not add up") }
        return header
    }

    /// Whether as many tags as the header says fill their place.
    private func hasTags(in record: Span<UInt8>) -> Bool {
        var at = tags.lowerBound
        for _ in 0..<tagCount {
            guard at < tags.upperBound, record[at] > 0 else { return false }
            at += 1 + Int(record[at])
        }
        return at == tags.upperBound
    }

    /// The checksum that the head of this record should carry.
    @inlinable public static func headChecksum(of record: Span<UInt8>) -> UInt32 {
        CRC32C.checksum(record.extracting(first: RecordLayout.headChecksum))
    }

    /// Checks the producer's sum.
    public static func verifyBody(_ record: Span<UInt8>) throws(RecordError) {
        let length = Int(record.uint32(at: RecordLayout.length))
        guard length <= record.count, length >= RecordLayout.headerSize else { throw .truncated }
        let body = record.extracting(RecordLayout.headSize..<length)
        guard CRC32C.checksum(body) == record.uint32(at: RecordLayout.bodyChecksum) else {
            throw .damaged("the checksum of the body does not match")
        }
    }
}

/// Records back to back, as a chunk of a read holds them.
public struct RecordSequence: Sequence, Sendable {
    private let bytes: ArraySlice<UInt8>

    /// Takes `bytes` after checking that they are whole records to the last byte.
    public init(_ bytes: ArraySlice<UInt8>) throws(RecordError) {
        var at = 0
        let span = bytes.span
        while at < span.count {
            at += try RecordHeader.checked(span.extracting(at..<span.count)).length
        }
        self.bytes = bytes
    }

    public func makeIterator() -> Iterator { Iterator(rest: bytes) }

    public struct Iterator: IteratorProtocol {
        fileprivate var rest: ArraySlice<UInt8>

        public mutating func next() -> RecordedEvent? {
            guard !rest.isEmpty else { return nil }
            let length = Int(rest.span.uint32(at: RecordLayout.length))
            defer { rest = rest.dropFirst(length) }
            return RecordedEvent(unchecked: rest.prefix(length))
        }
    }
}
