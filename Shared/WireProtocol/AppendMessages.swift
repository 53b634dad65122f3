import Bytes
public import EventSourcing

// The condition frame of an append, which is empty without a condition:
//
//     2 bytes number of stream conditions; each: 1 byte kind (0 any, 1 no stream, 2 stream exists,
//     3 revision), 8 bytes revision, the name after its length, 1 byte
//     1 byte of flags: 1 if a `none matching` follows, 2 if the events are history, 4 if rules
//     deliver them nevertheless
//     of `none matching`: 8 bytes `after`, and the query

extension AppendCondition {
    /// Returns the condition as it travels.
    ///
    /// - Throws: `invalid` if it has too many streams or too large a query.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        guard !streams.isEmpty || noneMatching != nil || history != nil else { return [] }
        guard streams.count <= UInt16.max else {
            throw ProtocolError(
                .invalid, "a condition has up to \(UInt16.max) streams, not \(streams.count)")
        }
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt16(streams.count))
        for stream in streams {
            let (kind, revision): (UInt8, UInt64) =
                switch stream.expected {
                case .any: (0, 0)
                case .noStream: (1, 0)
                case .streamExists: (2, 0)
                case .revision(let revision): (3, revision)
                }
            bytes.append(kind)
            bytes.append(littleEndian: revision)
            try bytes.append(name: stream.name.description)
        }
        bytes.append((noneMatching == nil ? 0 : Self.noneMatchingFlag) | historyFlags)
        if let noneMatching {
            bytes.append(littleEndian: noneMatching.after)
            try noneMatching.query.encode(into: &bytes)
        }
        return bytes
    }

    /// Reads a condition.
    ///
    /// - Throws: `malformed` or `invalid` if the bytes are not a condition.
    public init(_ bytes: ArraySlice<UInt8>) throws(ProtocolError) {
        self.init()
        guard !bytes.isEmpty else { return }
        var reader = ByteReader(bytes, what: "condition")
        for _ in 0..<(try reader.uint16()) {
            let kind = try reader.uint8()
            let revision = try reader.uint64()
            let name = try reader.streamName()
            let expected: ExpectedRevision
            switch kind {
            case 0: expected = .any
            case 1: expected = .noStream
            case 2: expected = .streamExists
            case 3: expected = .revision(revision)
            default: throw ProtocolError(.malformed, "there is no stream condition of kind \(kind)")
            }
            streams.append(Stream(name, expected))
        }
        let flags = try reader.uint8()
        switch flags & ~Self.noneMatchingFlag {
        case 0: break
        case Self.historyFlag: history = .undelivered
        case Self.historyFlag | Self.deliveredFlag: history = .delivered
        default: throw ProtocolError(.malformed, "the condition frame has an unknown flag")
        }
        if flags & Self.noneMatchingFlag != 0 {
            let after = try reader.uint64()
            noneMatching = NoneMatching(try EventQuery(&reader), after: after)
        }
        try reader.end()
    }

    private static let noneMatchingFlag: UInt8 = 1
    private static let historyFlag: UInt8 = 2
    private static let deliveredFlag: UInt8 = 4

    private var historyFlags: UInt8 {
        switch history {
        case nil: 0
        case .undelivered: Self.historyFlag
        case .delivered: Self.historyFlag | Self.deliveredFlag
        }
    }
}

/// The body of an `appended` message:
///
///     offset size
///          0    8  position of the first event
///          8    8  position of the last event
///         16    8  revision of the last event in its stream
///         24    8  time
///         32    1  1 if the append is a repetition
///         33    7  zero
extension Appended {
    /// The size of the body, in bytes.
    public static let wireSize = 40

    /// The body as it travels.
    public var encoded: InlineArray<40, UInt8> {
        var bytes = InlineArray<40, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        span.set(first, at: 0)
        span.set(last, at: 8)
        span.set(lastRevision, at: 16)
        span.set(time.microseconds, at: 24)
        span.set(UInt8(isRepeat ? 1 : 0), at: 32)
        return bytes
    }

    /// The body as it travels, in an array.
    public var bytes: [UInt8] { encoded.span.array }

    /// Reads the body of an `appended` message.
    ///
    /// - Throws: `malformed` if it has another size.
    public init(_ bytes: Span<UInt8>) throws(ProtocolError) {
        guard bytes.count == Self.wireSize else {
            throw ProtocolError(.malformed, "an answer to an append has \(bytes.count) bytes")
        }
        self.init(
            first: bytes.uint64(at: 0), last: bytes.uint64(at: 8),
            lastRevision: bytes.uint64(at: 16),
            time: Timestamp(microseconds: Int64(bitPattern: bytes.uint64(at: 24))),
            isRepeat: bytes[32] == 1)
    }
}
