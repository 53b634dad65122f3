internal import CZlib

/// The codec of RFC 1950, whole blocks at a time.
enum Zlib {
    /// The compressed bytes; nil if there is no memory for it.
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

    /// What was compressed, `count` bytes; fewer, if it is damaged: as far as it can be read.
    static func decompressed(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var length = uLongf(count)
            let status = unsafe bytes.withUnsafeBufferPointer { source in
                unsafe uncompress(
                    buffer.baseAddress, &length, source.baseAddress, uLong(source.count))
            }
            // Since zlib 1.2.11 the length tells also what came before the damage.
            filled = status == Z_MEM_ERROR ? 0 : Int(length)
        }
    }
}
