import Bytes
import Crypto

extension EventID {
    /// The UUID of `name` in the name space `self` (RFC 9562, section 5.5: version 5, SHA-1).
    ///
    /// The same cause and the same name always give the same id, so an effect that is repeated is
    /// appended once.
    public func derived(_ name: String) -> EventID {
        var bytes: [UInt8] = []
        bytes.append(self)
        bytes.append(contentsOf: name.utf8)
        let digest = Array(Insecure.SHA1.hash(data: bytes))
        let id = digest.span.eventID(at: 0)
        return EventID(version: 5, high: id.high, low: id.low)
    }
}
