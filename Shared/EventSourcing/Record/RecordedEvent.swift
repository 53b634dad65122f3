public import Bytes

/// An event of the log: a view of its record's bytes, which decodes each field on demand.
///
/// Copies share the bytes.
public struct RecordedEvent: Sendable {
    /// The whole record, as RecordLayout lays it out.
    public let bytes: ArraySlice<UInt8>

    /// Creates a view of the record at the start of `bytes`.
    ///
    /// It checks the layout version and that the lengths add up. Use `verify` to check the
    /// checksums.
    ///
    /// - Throws: the reason why the bytes are not a record.
    public init(_ bytes: ArraySlice<UInt8>) throws(RecordError) {
        let header = try RecordHeader.checked(bytes.span)
        self.bytes = bytes.prefix(header.length)
    }

    init(unchecked bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// A copy with bytes of its own.
    ///
    /// An event keeps all the bytes in memory that it was read from, such as those of a whole chunk
    /// of a read. So keep a copy if few events of a chunk stay in memory for long.
    public var detached: RecordedEvent { RecordedEvent(unchecked: Array(bytes)[...]) }

    /// The position in the log, from 1, without gaps.
    public var position: UInt64 { bytes.span.uint64(at: RecordLayout.position) }
    /// The position of the last event before this one that a subscriber to its category receives:
    /// one of the category or an amendment. It is 0 without such an event. For an amendment, which
    /// the subscribers of all categories receive, it is the position before its own.
    public var previousInCategory: UInt64 {
        bytes.span.uint64(at: RecordLayout.previousInCategory)
    }
    /// The revision in the stream, from 0, without gaps.
    public var revision: UInt64 { bytes.span.uint64(at: RecordLayout.revision) }
    /// The time of commit to this log, never earlier than the previous event's. For events of
    /// another log, `occurredAt` is the time that people ask for.
    public var time: Timestamp {
        Timestamp(microseconds: Int64(bitPattern: bytes.span.uint64(at: RecordLayout.time)))
    }
    /// The event's id.
    public var id: EventID { bytes.span.eventID(at: RecordLayout.id) }
    /// The conversation that the event belongs to.
    public var correlationID: EventID { bytes.span.eventID(at: RecordLayout.correlationID) }
    /// The event or command that caused this one, or `EventID.none`.
    public var causationID: EventID { bytes.span.eventID(at: RecordLayout.causationID) }
    /// Whether the next record belongs to the same append.
    public var hasMoreOfAppend: Bool { hasFlag(RecordLayout.moreOfAppend) }
    /// Whether an amendment replaced the data that was appended.
    public var isAmended: Bool { hasFlag(RecordLayout.amended) }
    /// Whether an amendment says to read the log as if the event were not there.
    ///
    /// Its record still comes, so that positions and revisions have no gaps.
    public var isSkipped: Bool { hasFlag(RecordLayout.skipped) }

    /// Whether the event was imported from another log.
    public var isHistory: Bool { hasFlag(RecordLayout.history) }
    /// Whether rules deliver the event. They do not deliver history, unless its import says so.
    public var isForRules: Bool { !isHistory || hasFlag(RecordLayout.deliveredHistory) }
    /// The time of commit to the log that the event was imported from, or nil if it is not history.
    public var originalTime: Timestamp? {
        isHistory ? HistoryMark.time(in: slice(header.metadata)) : nil
    }
    /// The time that people ask for: the original time of history, and the time of commit of all
    /// other events.
    ///
    /// It is never after the time of commit, even if the clock of the other log was ahead.
    public var occurredAt: Timestamp { originalTime.map { min($0, time) } ?? time }

    /// The stream that holds the event.
    public var stream: StreamName { StreamName(unchecked: text(header.stream)) }
    /// The category of the stream.
    public var category: String { StreamName.category(of: text(header.stream)) }
    /// The name of the event's type.
    public var type: String { text(header.type) }
    /// The media type of the data.
    public var contentType: String { text(header.contentType) }
    /// A JSON object about the event, or empty.
    public var metadata: ArraySlice<UInt8> {
        let stored = slice(header.metadata)
        return isHistory ? HistoryMark.original(of: stored) ?? stored : stored
    }
    /// The event's data.
    public var data: ArraySlice<UInt8> { slice(header.data) }

    /// The event's tags.
    public var tags: [String] {
        let header = header
        var rest = slice(header.tags)
        return (0..<header.tagCount).map { _ in
            let count = Int(rest.removeFirst())
            defer { rest.removeFirst(count) }
            return String(decoding: rest.prefix(count), as: UTF8.self)
        }
    }

    /// The part that the producer wrote: the record without the store's head.
    ///
    /// Two records with equal bodies are the same event.
    public var body: ArraySlice<UInt8> { bytes.dropFirst(RecordLayout.headSize) }

    /// Throws `damaged` if a checksum does not match.
    ///
    /// - Parameter mask: the bits with which the head's checksum is XORed.
    public func verify(mask: UInt32 = 0) throws(RecordError) {
        let span = bytes.span
        let sum = span.uint32(at: RecordLayout.headChecksum) ^ mask
        guard RecordHeader.headChecksum(of: span) == sum else {
            throw .damaged("the checksum of the head does not match")
        }
        try RecordHeader.verifyBody(span)
    }

    private func hasFlag(_ flag: UInt8) -> Bool {
        bytes.span.uint8(at: RecordLayout.flags) & flag != 0
    }

    var header: RecordHeader {
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

/// Why bytes are not a record.
public enum RecordError: ClassifiedError, Hashable {
    /// The bytes end before the record does.
    case truncated
    /// This version of the layout is unknown.
    case unknownVersion(UInt8)
    /// The record has this many bytes, which is more than ``Limits/recordBytes``.
    case tooLong(Int)
    /// The record is damaged, for this reason.
    case damaged(String)

    /// Always `invalid`.
    public var kind: DaybookError.Kind { .invalid }

    /// The error in one line.
    public var description: String {
        switch self {
        case .truncated: "the record is cut short"
        case .unknownVersion(let version):
            "the record has layout version \(version); this program reads \(RecordLayout.version)"
        case .tooLong(let length):
            "the record has \(length) bytes, which exceeds \(Limits.recordBytes >> 20) MiB"
        case .damaged(let reason): "the record is damaged: \(reason)"
        }
    }
}

extension RecordHeader {
    /// Returns the header of the whole record at the start of `bytes`.
    ///
    /// - Throws: the reason why the bytes are not a record.
    public static func checked(_ bytes: Span<UInt8>) throws(RecordError) -> RecordHeader {
        guard bytes.count >= RecordLayout.headerSize else { throw .truncated }
        let version = bytes.uint8(at: RecordLayout.layoutVersion)
        guard version == RecordLayout.version else { throw .unknownVersion(version) }
        guard let header = RecordHeader(bytes) else { throw .damaged("its lengths do not add up") }
        guard header.length <= Limits.recordBytes else { throw .tooLong(header.length) }
        guard header.length <= bytes.count else { throw .truncated }
        guard header.hasTags(in: bytes) else { throw .damaged("its tags do not add up") }
        return header
    }

    /// Returns whether the header's number of tags fills their range exactly.
    private func hasTags(in record: Span<UInt8>) -> Bool {
        var at = tags.lowerBound
        for _ in 0..<tagCount {
            guard at < tags.upperBound, record[at] > 0 else { return false }
            at += 1 + Int(record[at])
        }
        return at == tags.upperBound
    }

    /// Returns the checksum that the head of this record should have.
    @inlinable public static func headChecksum(of record: Span<UInt8>) -> UInt32 {
        CRC32C.checksum(record.extracting(first: RecordLayout.headChecksum))
    }

    /// Throws `damaged` if the checksum of the body does not match.
    public static func verifyBody(_ record: Span<UInt8>) throws(RecordError) {
        let length = Int(record.uint32(at: RecordLayout.length))
        guard length <= record.count, length >= RecordLayout.headerSize else { throw .truncated }
        let body = record.extracting(RecordLayout.headSize..<length)
        guard CRC32C.checksum(body) == record.uint32(at: RecordLayout.bodyChecksum) else {
            throw .damaged("the checksum of the body does not match")
        }
    }
}

/// Records one after the other, as in a chunk of a read.
public struct RecordSequence: Sequence, IteratorProtocol, Sendable {
    /// The records that the iteration has not reached.
    private var rest: ArraySlice<UInt8>

    /// Creates the sequence after checking that `bytes` are whole records.
    ///
    /// - Throws: the reason why the bytes are not records.
    public init(_ bytes: ArraySlice<UInt8>) throws(RecordError) {
        var at = 0
        let span = bytes.span
        while at < span.count {
            at += try RecordHeader.checked(span.extracting(at..<span.count)).length
        }
        rest = bytes
    }

    /// Returns the next record, or nil at the end.
    public mutating func next() -> RecordedEvent? {
        guard !rest.isEmpty else { return nil }
        let length = Int(rest.span.uint32(at: RecordLayout.length))
        defer { rest = rest.dropFirst(length) }
        return RecordedEvent(unchecked: rest.prefix(length))
    }
}
