import EventSourcing

/// A property by which events are found, as a 64-bit hash of its kind and name.
///
/// Two properties may share a hash, so a reader checks the records that an index finds.
struct Term: Hashable, Comparable {
    enum Kind: UInt8 {
        case stream = 1
        case category, type, tag, id
        /// The first event of a stream.
        case start
        case correlation
        /// An event of another log.
        case history
    }

    let hash: UInt64

    init(hash: UInt64) { self.hash = hash }

    /// Hashes kind and name by FNV-1a, with the finalizer of MurmurHash3, so that each bit depends
    /// on all others.
    init(_ kind: Kind, _ name: Span<UInt8>) {
        var hash: UInt64 = (0xCBF2_9CE4_8422_2325 ^ UInt64(kind.rawValue)) &* Self.prime
        for index in name.indices { hash = (hash ^ UInt64(name[index])) &* Self.prime }
        self.init(hash: Self.finished(hash))
    }

    init(_ kind: Kind, _ name: String) {
        self.init(kind, name.utf8.span)
    }

    init(_ kind: Kind, _ id: EventID) {
        // In the top byte, which sequential ids do not reach.
        let low = id.low ^ UInt64(kind.rawValue) << 56
        self.init(hash: Self.finished(id.high ^ Self.finished(low)))
    }

    init(id: EventID) { self.init(.id, id) }

    /// Returns the terms of a conversation. Each of its events has one of them.
    ///
    /// The event that began the conversation has no correlation term: its own id is the
    /// conversation's. So an event on its own needs only the term of its id.
    static func conversation(_ id: EventID) -> [Term] { [Term(.correlation, id), Term(id: id)] }

    /// The term of the first event of every stream.
    static let start = Term(.start, "")
    /// The term of all history.
    static let history = Term(.history, "")

    static func < (a: Term, b: Term) -> Bool { a.hash < b.hash }

    private static let prime: UInt64 = 0x100_0000_01B3

    private static func finished(_ value: UInt64) -> UInt64 {
        var hash = value
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}

/// Calls `body` with each term of the record.
func forEachTerm(
    of record: Span<UInt8>, _ header: RecordHeader, revision: UInt64, isHistory: Bool,
    _ body: (Term) -> Void
) {
    if revision == 0 { body(.start) }
    if isHistory { body(.history) }
    let stream = record.extracting(header.stream)
    body(Term(.stream, stream))
    body(Term(.category, stream.extracting(first: categoryLength(of: stream))))
    body(Term(.type, record.extracting(header.type)))
    body(Term(id: header.id))
    if header.correlationID != header.id { body(Term(.correlation, header.correlationID)) }
    var at = header.tags.lowerBound
    for _ in 0..<header.tagCount {
        let count = Int(record[at])
        body(Term(.tag, record.extracting(at + 1..<at + 1 + count)))
        at += 1 + count
    }
}

/// Returns the length of the category of a stream, in bytes: those before the name's first hyphen.
public func categoryLength(of stream: Span<UInt8>) -> Int {
    for index in stream.indices where stream[index] == UInt8(ascii: "-") { return index }
    return stream.count
}
