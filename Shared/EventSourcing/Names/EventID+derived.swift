import Bytes
import Crypto

extension EventID {
    /// The UUID of `name` in the name space `self` (RFC 9562, section 5.5: version 5, SHA-1).
    ///
    /// The same cause and the same name always give the same id: so an effect that is brought about
    /// twice is appended once.
    public func derived(_ name: String) -> EventID {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: high.byteSwapped)
        bytes.append(littleEndian: low.byteSwapped)
        bytes.append(contentsOf: name.utf8)
        let digest = Array(Insecure.SHA1.hash(data: bytes))
        let id = digest.span.eventID(at: 0)
        return EventID(
            high: id.high & ~0xF000 | 0x5000,
            low: id.low & ~(0b11 << 62) | 0b10 << 62)
    }
}
