import Bytes
import EventSourcing

/// Reads the fields of a frame in order, and never past its end.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    /// How many of the bytes were read.
    private var at = 0
    private let what: StaticString

    /// Starts at the beginning of a frame.
    ///
    /// - Parameter what: the frame's name in errors.
    init(_ bytes: ArraySlice<UInt8>, what: StaticString) {
        self.bytes = bytes
        self.what = what
    }

    mutating func uint8() throws(ProtocolError) -> UInt8 { UInt8(try word(1)) }
    mutating func uint16() throws(ProtocolError) -> UInt16 { UInt16(try word(2)) }
    mutating func uint32() throws(ProtocolError) -> UInt32 { UInt32(try word(4)) }
    mutating func uint64() throws(ProtocolError) -> UInt64 { try word(8) }

    /// Reads a string after its length, one byte.
    ///
    /// Invalid UTF-8 is rejected. Replacing it would make another name, and a longer one.
    mutating func string() throws(ProtocolError) -> String {
        let range = try take(Int(try uint8()))
        // A query may have many names, so they are not copied before the check.
        guard let text = try? UTF8Span(validating: bytes.span.extracting(range)) else {
            throw ProtocolError(.malformed, "the \(what) frame has a name that is not UTF-8")
        }
        return String(copying: text)
    }

    /// Reads a string after its length, two bytes.
    mutating func longString() throws(ProtocolError) -> String {
        let range = try take(Int(try uint16()))
        let text = bytes.dropFirst(range.lowerBound).prefix(range.count)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a stream name after its length, one byte.
    mutating func streamName() throws(ProtocolError) -> StreamName {
        let text = try string()
        do {
            return try StreamName(text)
        } catch {
            throw ProtocolError(.invalid, error.description)
        }
    }

    /// Reads the number of names in a list of a query, two bytes.
    mutating func listCount() throws(ProtocolError) -> UInt16 {
        let count = try uint16()
        guard count <= EventQuery.wireLimit else { throw EventQuery.tooLarge }
        return count
    }

    /// Reads strings after their number, two bytes.
    mutating func strings() throws(ProtocolError) -> [String] {
        let count = try listCount()
        var strings: [String] = []
        strings.reserveCapacity(min(Int(count), remainder.count))
        for _ in 0..<count { strings.append(try string()) }
        return strings
    }

    /// Reads UUIDs, 16 bytes each, after their number, two bytes.
    mutating func eventIDs() throws(ProtocolError) -> [EventID] {
        let count = try listCount()
        var ids: [EventID] = []
        for _ in 0..<count {
            ids.append(EventID(high: try uint64().byteSwapped, low: try uint64().byteSwapped))
        }
        return ids
    }

    /// The bytes that are not read yet.
    var remainder: ArraySlice<UInt8> { bytes.dropFirst(at) }

    func end() throws(ProtocolError) {
        guard at == bytes.count else {
            throw ProtocolError(
                .malformed, "the \(what) frame has \(bytes.count - at) bytes too many")
        }
    }

    /// Reads a little-endian integer of `count` bytes.
    private mutating func word(_ count: Int) throws(ProtocolError) -> UInt64 {
        let range = try take(count)
        let bytes = bytes.span
        return range.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }

    /// Passes `count` bytes, and returns where they are.
    private mutating func take(_ count: Int) throws(ProtocolError) -> Range<Int> {
        guard bytes.count - at >= count else {
            throw ProtocolError(.malformed, "the \(what) frame ends too early")
        }
        defer { at += count }
        return at..<at + count
    }
}

extension [UInt8] {
    /// Appends `text` after its length, one byte.
    ///
    /// - Throws: `invalid` if it is longer than a name may be.
    mutating func append(name text: String) throws(ProtocolError) {
        guard text.utf8.count <= Limits.nameBytes else {
            throw ProtocolError(
                .invalid,
                "a name has up to \(Limits.nameBytes) bytes, but '\(text.prefix(40))…' has "
                    + "\(text.utf8.count)")
        }
        append(UInt8(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    /// Appends the strings after their number, two bytes.
    ///
    /// - Parameter names: at most `EventQuery.wireLimit` names.
    mutating func append(names: [String]) throws(ProtocolError) {
        append(littleEndian: UInt16(names.count))
        for name in names { try append(name: name) }
    }
}
