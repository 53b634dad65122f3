import EventSourcing

/// A file of records, the first at `base`.
///
///     offset size
///          0    8  "DAYBKSEG"
///          8    4  version
///         12    4  zero
///         16    8  position of the first record
///         24   16  identity of the log
///         40   20  zero
///         60    4  CRC32C of bytes 0..<60
///         64       records back to back, then zeros
struct SegmentHeader: Hashable {
    static let size = 64
    static let version: UInt32 = 1
    private static let magic = Array("DAYBKSEG".utf8)

    let base: UInt64
    let log: EventID

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt32(0))
        bytes.append(littleEndian: base)
        bytes.append(littleEndian: log.high.byteSwapped)
        bytes.append(littleEndian: log.low.byteSwapped)
        bytes.append(contentsOf: repeatElement(0, count: 20))
        let sum = CRC32C.checksum(bytes.span)
        bytes.append(littleEndian: sum)
        return bytes
    }

    init(base: UInt64, log: EventID) {
        self.base = base
        self.log = log
    }

    /// The header at the start of the segment in `span`.
    init(_ span: Span<UInt8>, of name: String) throws(LogError) {
        guard span.count >= Self.size,
            Self.magic.indices.allSatisfy({ span[$0] == Self.magic[$0] }),
            CRC32C.checksum(span.extracting(first: 60)) == span.uint32(at: 60)
        else { throw .damaged(segment: name, offset: 0, position: 0, "its header is not one") }
        guard span.uint32(at: 8) == Self.version else {
            throw .unknownVersion(segment: name, span.uint32(at: 8))
        }
        base = span.uint64(at: 16)
        log = span.eventID(at: 24)
    }

    static let suffix = ".segment"

    var indexName: String { IndexFile.name(base: base) }

    static func name(base: UInt64) -> String { fileName(base: base) + suffix }

    /// The position of the first record of the segment of this name; nil if it is no segment's.
    static func base(ofName name: String) -> UInt64? {
        let base = UInt64(name.dropLast(suffix.count), radix: 16)
        return base.flatMap { self.name(base: $0) == name ? $0 : nil }
    }

    /// What the names of a segment's files begin with: they sort as the segments do.
    static func fileName(base: UInt64) -> String { base.hexadecimal }
}

extension UInt64 {
    /// Its 16 hexadecimal digits.
    var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
