internal import CZlib

/// Compresses and decompresses whole blocks by zlib (RFC 1950).
enum Zlib {
    /// Returns the compressed bytes, or nil if there is not enough memory.
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        var status = Z_OK
        let capacity = Int(compressBound(uLong(bytes.count)))
        let result = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            var length = uLongf(capacity)
            unsafe bytes.withUnsafeBufferPointer { source in
                // Level 6, which is zlib's own choice between time and size.
                status = unsafe compress2(
                    buffer.baseAddress, &length, source.baseAddress, uLong(source.count), 6)
            }
            count = status == Z_OK ? Int(length) : 0
        }
        return status == Z_OK ? result : nil
    }

    /// Returns the `count` bytes that were compressed, or fewer if they are damaged.
    static func decompressed(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var length = uLongf(count)
            let status = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe uncompress(
                    buffer.baseAddress, &length, source.baseAddress, uLong(source.count))
            }
            // Since zlib 1.2.11 the length also counts the bytes before the damage.
            filled = status == Z_MEM_ERROR ? 0 : Int(length)
        }
    }
}
