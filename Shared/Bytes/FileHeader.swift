/// A value in the header of a file: an integer, least significant byte first, or an id.
public protocol HeaderField {
    /// Appends the bytes of the value.
    func append(to bytes: inout [UInt8])
}

extension HeaderField where Self: FixedWidthInteger {
    /// Appends the bytes of the integer, least significant first.
    public func append(to bytes: inout [UInt8]) { bytes.append(littleEndian: self) }
}

extension UInt32: HeaderField {}
extension UInt64: HeaderField {}
extension Int64: HeaderField {}

extension [UInt8] {
    /// Creates the header of a file: the mark of its format, the fields, and the CRC32C of all
    /// bytes before it.
    public init(mark: [UInt8], _ fields: any HeaderField...) {
        self = mark
        for field in fields { field.append(to: &self) }
        appendChecksum()
    }

    /// Appends the CRC32C of all bytes before it.
    public mutating func appendChecksum() {
        let sum = CRC32C.checksum(span)
        append(littleEndian: sum)
    }
}

extension Span<UInt8> {
    /// Returns whether the bytes begin with a header that has this mark, and its checksum at
    /// `offset`.
    public func isHeader(_ mark: [UInt8], checksumAt offset: Int) -> Bool {
        hasChecksum(at: offset) && mark.indices.allSatisfy { self[$0] == mark[$0] }
    }

    /// Returns whether the four bytes at `offset` are the CRC32C of all bytes before them.
    public func hasChecksum(at offset: Int) -> Bool {
        count >= offset + 4 && CRC32C.checksum(extracting(first: offset)) == uint32(at: offset)
    }
}
