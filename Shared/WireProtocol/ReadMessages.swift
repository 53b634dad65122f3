import Bytes
public import EventSourcing

/// A request to read events of the log.
///
///     offset size
///          0    1  direction: 0 forwards, 1 backwards
///          1    1  1 to read events as they were appended, whatever amends them; otherwise 0
///          2    2  zero
///          4    4  credit: how many chunks may be sent before the client grants more
///          8    8  first position: forwards the lowest wanted, backwards the highest; 0 backwards
///                  means the head
///         16    8  last position wanted, or 0 for no bound
///         24    8  earliest time wanted, or the least integer
///         32    8  time before which events are wanted, or the greatest integer
///         40    8  at most this many events, or 0 for all
///         48    4  bytes wanted in a chunk; the store may send fewer or, for one record, more
///         52       the query
public struct ReadRequest: Hashable, Sendable {
    /// The order of the events: of rising or of falling positions.
    public enum Direction: UInt8, Sendable { case forwards, backwards }

    /// The order in which the events are sent.
    public var direction: Direction
    /// How many chunks the store may send before the client grants more.
    public var credit: UInt32
    /// The first position: the lowest one forwards, the highest one backwards. Backwards, 0 means
    /// the head.
    public var from: UInt64
    /// The last position, or 0 for no bound.
    public var to: UInt64
    /// The earliest time of an event (`RecordedEvent.occurredAt`).
    public var since: Timestamp
    /// The time before which events happened.
    public var before: Timestamp
    /// The maximum number of events, or 0 for all.
    public var limit: UInt64
    /// The size of a chunk, in bytes. The store may send fewer, or more for a single large record.
    public var chunkBytes: UInt32
    /// The events to read.
    public var query: EventQuery
    /// Whether to read events as they were appended, whatever amends them.
    public var isRaw: Bool

    /// Creates a request. By default it reads all events forwards, from the first to the last.
    public init(
        _ query: EventQuery = .all, direction: Direction = .forwards, from: UInt64 = 0,
        to: UInt64 = 0, since: Timestamp = .distantPast, before: Timestamp = .distantFuture,
        limit: UInt64 = 0, credit: UInt32 = 4, chunkBytes: UInt32 = 256 << 10,
        isRaw: Bool = false
    ) {
        self.direction = direction
        self.credit = credit
        self.from = from
        self.to = to
        self.since = since
        self.before = before
        self.limit = limit
        self.chunkBytes = chunkBytes
        self.query = query
        self.isRaw = isRaw
    }

    /// Returns the request as it travels.
    ///
    /// - Throws: `invalid` if the query is too large.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        var bytes: [UInt8] = [direction.rawValue, isRaw ? 1 : 0, 0, 0]
        bytes.append(littleEndian: credit)
        bytes.append(littleEndian: from)
        bytes.append(littleEndian: to)
        bytes.append(littleEndian: since.microseconds)
        bytes.append(littleEndian: before.microseconds)
        bytes.append(littleEndian: limit)
        bytes.append(littleEndian: chunkBytes)
        try query.encode(into: &bytes)
        return bytes
    }

    /// Reads a request.
    ///
    /// - Throws: `malformed` or `invalid` if the bytes are not a request.
    public init(_ bytes: ArraySlice<UInt8>) throws(ProtocolError) {
        var reader = ByteReader(bytes, what: "read")
        guard let direction = Direction(rawValue: try reader.uint8()) else {
            throw ProtocolError(.malformed, "a read goes forwards (0) or backwards (1)")
        }
        self.direction = direction
        isRaw = try reader.uint8() & 1 != 0
        _ = try reader.uint16()
        credit = try reader.uint32()
        from = try reader.uint64()
        to = try reader.uint64()
        since = Timestamp(microseconds: Int64(bitPattern: try reader.uint64()))
        before = Timestamp(microseconds: Int64(bitPattern: try reader.uint64()))
        limit = try reader.uint64()
        chunkBytes = try reader.uint32()
        query = try EventQuery(&reader)
        try reader.end()
    }
}

extension Timestamp {
    /// The earliest time that the protocol can express: no lower bound.
    public static let distantPast = Timestamp(microseconds: .min)
    /// The latest time that the protocol can express: no upper bound.
    public static let distantFuture = Timestamp(microseconds: .max)
}

/// The frame before the records of a chunk.
///
///     offset size
///          0    8  next: where a new read with the same query continues. Every matching event
///                  before it (backwards: after it) has been sent. 0 when a read backwards has
///                  reached the beginning
///          8    8  head of the log when the chunk was made
///         16    4  number of records
///         20    1  1 if this chunk is the last of the read
///         21    3  zero
public struct ChunkHeader: Hashable, Sendable {
    /// The size of a chunk header, in bytes.
    public static let wireSize = 24

    /// The position at which a new read with the same query continues.
    public var next: UInt64
    /// The head of the log when the chunk was made.
    public var head: UInt64
    /// The number of records in the chunk.
    public var count: UInt32
    /// Whether this is the last chunk of the read.
    public var isLast: Bool

    /// Creates the header of a chunk.
    public init(next: UInt64, head: UInt64, count: UInt32, isLast: Bool) {
        self.next = next
        self.head = head
        self.count = count
        self.isLast = isLast
    }

    /// The header as it travels.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.wireSize)
        bytes.append(littleEndian: next)
        bytes.append(littleEndian: head)
        bytes.append(littleEndian: count)
        bytes.append(littleEndian: UInt32(isLast ? 1 : 0))
        return bytes
    }

    /// Reads a header.
    ///
    /// - Throws: `malformed` if it has another size.
    public init(_ bytes: Span<UInt8>) throws(ProtocolError) {
        guard bytes.count == Self.wireSize else {
            throw ProtocolError(.malformed, "a chunk's header has \(bytes.count) bytes")
        }
        self.init(
            next: bytes.uint64(at: 0), head: bytes.uint64(at: 8), count: bytes.uint32(at: 16),
            isLast: bytes[20] == 1)
    }
}
