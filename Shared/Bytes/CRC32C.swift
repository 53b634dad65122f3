internal import CCRC32C

/// The Castagnoli cyclic redundancy check (RFC 3720, appendix B.4).
///
/// It uses the processor's instruction if there is one, and otherwise eight bytes per step
/// (slicing-by-8: Kounavis and Berry, "A Systematic Approach to Building High Performance,
/// Software-based, CRC Generators", 2005).
public enum CRC32C {
    private static let hasInstruction = daybook_has_crc32c() != 0

    /// Returns the checksum of `bytes`.
    ///
    /// - Parameter seed: the checksum of the bytes before them.
    public static func checksum(_ bytes: Span<UInt8>, seed: UInt32 = 0) -> UInt32 {
        guard hasInstruction else { return sliced(bytes, seed: seed) }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe ~daybook_crc32c(~seed, bytes.baseAddress, bytes.count)
        }
    }

    /// Returns the same checksum without the instruction.
    static func sliced(_ bytes: Span<UInt8>, seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe tables.withUnsafeBufferPointer { table in
                var crc = ~seed
                var at = 0
                let words = bytes.count & ~7
                while at < words {
                    let word = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    let x = UInt64(littleEndian: word) ^ UInt64(crc)
                    crc =
                        unsafe table[1792 + Int(x & 0xFF)] ^ table[1536 + Int(x >> 8 & 0xFF)]
                        ^ table[1280 + Int(x >> 16 & 0xFF)] ^ table[1024 + Int(x >> 24 & 0xFF)]
                    crc =
                        unsafe crc ^ table[768 + Int(x >> 32 & 0xFF)]
                        ^ table[512 + Int(x >> 40 & 0xFF)]
                        ^ table[256 + Int(x >> 48 & 0xFF)] ^ table[Int(x >> 56)]
                    at += 8
                }
                while at < bytes.count {
                    crc = unsafe table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[at])] ^ crc >> 8
                    at += 1
                }
                return ~crc
            }
        }
    }

    /// Eight tables of 256 entries: table k maps a byte to its effect k bytes further on.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 2048)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in
                crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1
            }
        }
        for index in 256..<2048 {
            let previous = tables[index - 256]
            tables[index] = tables[Int(previous & 0xFF)] ^ previous >> 8
        }
        return tables
    }()
}
