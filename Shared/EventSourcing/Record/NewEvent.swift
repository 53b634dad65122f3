import Bytes

/// An event that is not in the log yet.
public struct NewEvent: Hashable, Sendable {
    /// The event's id. The store appends an id only once.
    public var id: EventID
    /// The stream to append to.
    public var stream: StreamName
    /// The name of the event's type, 1 to 255 bytes.
    public var type: String
    /// Up to 64 tags of 1 to 255 bytes.
    public var tags: [String]
    /// The id of the conversation that the event belongs to.
    public var correlationID: EventID
    /// The id of the event or command that caused the event, or `EventID.none`.
    public var causationID: EventID
    /// The media type of the data, up to 255 bytes.
    public var contentType: String
    /// A JSON object about the event, such as its actor, or empty.
    public var metadata: [UInt8]
    /// The event's data.
    public var data: [UInt8]
    /// The time of commit to the log that the event comes from, or nil for a new event.
    ///
    /// Only an append of history keeps it (``AppendCondition/history``).
    public var originalTime: Timestamp?

    /// Creates an event. Without a correlation id it starts a conversation of its own.
    public init(
        id: EventID = .random(), stream: StreamName, type: String, tags: [String] = [],
        correlationID: EventID? = nil, causationID: EventID = .none,
        contentType: String = "application/json", metadata: [UInt8] = [], data: [UInt8]
    ) {
        self.id = id
        self.stream = stream
        self.type = type
        self.tags = tags
        self.correlationID = correlationID ?? id
        self.causationID = causationID
        self.contentType = contentType
        self.metadata = metadata
        self.data = data
    }

    /// The size of the event's record in bytes.
    public var recordSize: Int {
        RecordLayout.padded(
            RecordLayout.headerSize + stream.description.utf8.count + type.utf8.count
                + contentType.utf8.count + tagsSize + storedMetadata.count + data.count)
    }

    private var storedMetadata: [UInt8] {
        originalTime.map { HistoryMark.metadata(metadata, of: $0) } ?? metadata
    }

    private var tagsSize: Int { tags.reduce(0) { $0 + 1 + $1.utf8.count } }

    /// Writes the record at the end of `bytes`. The store's fields stay zero.
    ///
    /// - Throws: `invalid` if a name, a tag or the record is too long.
    public func encode(into bytes: inout [UInt8]) throws(DaybookError) {
        try check()
        let metadata = storedMetadata
        let start = bytes.count
        let size = recordSize
        bytes.reserveCapacity(start + size)
        bytes.append(littleEndian: UInt32(size))
        bytes.append(littleEndian: UInt32(0))
        bytes.append(contentsOf: repeatElement(0, count: 32))
        bytes.append(RecordLayout.version)
        bytes.append(contentsOf: repeatElement(0, count: 7))
        for id in [id, correlationID, causationID] { bytes.append(id) }
        bytes.append(UInt8(stream.description.utf8.count))
        bytes.append(UInt8(type.utf8.count))
        bytes.append(UInt8(contentType.utf8.count))
        bytes.append(UInt8(tags.count))
        bytes.append(littleEndian: UInt16(tagsSize))
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(metadata.count))
        bytes.append(littleEndian: UInt32(data.count))
        bytes.append(contentsOf: stream.description.utf8)
        bytes.append(contentsOf: type.utf8)
        bytes.append(contentsOf: contentType.utf8)
        for tag in tags {
            bytes.append(UInt8(tag.utf8.count))
            bytes.append(contentsOf: tag.utf8)
        }
        bytes.append(contentsOf: metadata)
        bytes.append(contentsOf: data)
        bytes.append(contentsOf: repeatElement(0, count: start + size - bytes.count))
        let body = CRC32C.checksum(
            bytes.span.extracting(start + RecordLayout.headSize..<bytes.count))
        var written = bytes.mutableSpan
        written.set(body, at: start + RecordLayout.bodyChecksum)
    }

    private func check() throws(DaybookError) {
        // A name that was read from a record may have grown, because reading replaces bytes that
        // are not UTF-8.
        guard stream.description.utf8.count <= Limits.nameBytes else {
            throw .invalid(
                "stream '\(stream.description.prefix(40))' is over \(Limits.nameBytes) bytes")
        }
        try NameRule.check(type, what: "event type")
        guard contentType.utf8.count <= Limits.nameBytes else {
            throw .invalid(
                "content type '\(contentType.prefix(40))' is over \(Limits.nameBytes) bytes")
        }
        guard tags.count <= Limits.tags else {
            throw .invalid("the event has \(tags.count) tags, but the limit is \(Limits.tags)")
        }
        for tag in tags where !(1...Limits.nameBytes).contains(tag.utf8.count) {
            throw .invalid("tag '\(tag.prefix(40))' must have 1 to \(Limits.nameBytes) bytes")
        }
        guard metadata.count <= Limits.recordBytes, data.count <= Limits.recordBytes,
            recordSize <= Limits.recordBytes
        else {
            throw .invalid(
                "event \(id) of type \(type) is over \(Limits.recordBytes) bytes as a record")
        }
    }
}
