extension Span<UInt8> {
    /// Returns the byte at `offset`.
    @inlinable public func uint8(at offset: Int) -> UInt8 { self[offset] }

    /// Returns the little-endian integer in the two bytes at `offset`.
    @inlinable public func uint16(at offset: Int) -> UInt16 {
        UInt16(littleEndian: load(UInt16.self, at: offset))
    }

    /// Returns the little-endian integer in the four bytes at `offset`.
    @inlinable public func uint32(at offset: Int) -> UInt32 {
        UInt32(littleEndian: load(UInt32.self, at: offset))
    }

    /// Returns the little-endian integer in the eight bytes at `offset`.
    @inlinable public func uint64(at offset: Int) -> UInt64 {
        UInt64(littleEndian: load(UInt64.self, at: offset))
    }

    /// A copy of the bytes.
    @inlinable public var array: [UInt8] {
        var copy: [UInt8] = []
        copy.append(contentsOf: self)
        return copy
    }

    @inlinable func load<Word: FixedWidthInteger>(_ type: Word.Type, at offset: Int) -> Word {
        precondition(offset >= 0 && offset <= count - MemoryLayout<Word>.size)
        // Safe: the bounds were checked, and any bytes are an integer.
        return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
}

extension MutableSpan<UInt8> {
    /// Stores `value` at `offset`, least significant byte first.
    @inlinable public mutating func set<Word: FixedWidthInteger>(_ value: Word, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Word>.size <= count)
        // Safe, because the bounds were checked and the bytes of any integer are valid.
        unsafe withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Word.self)
        }
    }
}

extension [UInt8] {
    /// Appends the bytes of `value`, least significant first.
    @inlinable public mutating func append(littleEndian value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    /// Appends the bytes.
    @inlinable public mutating func append(contentsOf bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
