import Bytes
import EventSourcing

/// Binds records to one place in one segment of one log. So bytes that look like a record, in an
/// event's data or left by another log, are never taken for one.
///
/// The checksum of a record's head is stored XORed with a mask. The mask depends on the identity of
/// the log, its salt, the segment and the offset. Clients know the identity, and may guess the
/// segment and the offset, but not the salt. So no client can send data that passes for a record on
/// disk. SQLite binds the frames of its write-ahead log by salts in the same way. Only the
/// segment's file has masked checksums. Segments of version 1 have no salt, and their masks are
/// zero.
struct SegmentBinding: Hashable, Sendable {
    /// The start of the mask's computation; nil if records are not bound.
    private let seed: UInt64?

    /// Creates the binding of the segment that starts at position `base`.
    ///
    /// - Parameter salt: the log's salt; 0 for none.
    init(log: EventID, salt: UInt64, base: UInt64) {
        guard salt != 0 else {
            seed = nil
            return
        }
        seed = [log.high, log.low, base].reduce(salt) { Self.mixed($0 ^ Self.mixed($1)) }
    }

    var isNone: Bool { seed == nil }

    /// The mask of the record at `offset`, in bytes from the start of the file.
    func mask(at offset: Int) -> UInt32 {
        guard let seed else { return 0 }
        let step = UInt64(truncatingIfNeeded: offset) &* 0x9E37_79B9_7F4A_7C15
        return UInt32(truncatingIfNeeded: Self.mixed(seed &+ step) >> 32)
    }

    /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

extension [UInt8] {
    /// Masks the checksum of the record's head at `start`, or unmasks it.
    mutating func toggleBinding(_ mask: UInt32, ofRecordAt start: Int) {
        guard mask != 0 else { return }
        let at = start + RecordLayout.headChecksum
        for byte in 0..<4 { self[at + byte] ^= UInt8(truncatingIfNeeded: mask >> (8 * byte)) }
    }

    /// Masks or unmasks all records in the array, which are back to back. The first is stored at
    /// `offset` of the file.
    mutating func toggleBinding(_ binding: SegmentBinding, storedAt offset: Int) {
        guard !binding.isNone else { return }
        var at = 0
        while at < count {
            let length = Int(span.uint32(at: at + RecordLayout.length))
            toggleBinding(binding.mask(at: offset + at), ofRecordAt: at)
            at += length
        }
    }
}
