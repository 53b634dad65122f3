internal import CZeroMQ

/// The public key of a peer, for CURVE (ZeroMQ RFC 26): 32 bytes, written as 40 characters of Z85
/// (ZeroMQ RFC 32).
public struct CurvePublicKey: Hashable, Sendable, LosslessStringConvertible {
    public let description: String

    /// Nil for a text that is no key.
    public init?(_ text: String) {
        guard CurveKeyPair.isKey(text) else { return nil }
        description = text
    }

    /// The key that a handshake brings, of 32 bytes; nil for another number of them.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard unsafe zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        description = String(decoding: text.prefix(40).map(UInt8.init), as: UTF8.self)
    }
}

/// A public key and the secret that proves it. It is never printed: only `secret` tells.
public struct CurveKeyPair: Sendable {
    public let publicKey: CurvePublicKey
    /// As 40 characters of Z85.
    public let secret: String

    /// A new pair, from the system's random numbers.
    public static func generate() throws(ZeroMQError) -> CurveKeyPair {
        var open = [CChar](repeating: 0, count: 41)
        var secret = open
        guard unsafe zmq_curve_keypair(&open, &secret) == 0 else { throw .last }
        let text = String(decoding: secret.prefix(40).map(UInt8.init), as: UTF8.self)
        guard let pair = CurveKeyPair(secret: text) else { throw ZeroMQError(code: EINVAL) }
        return pair
    }

    /// The pair of this secret; nil for a text that is none.
    public init?(secret: String) {
        guard Self.isKey(secret) else { return nil }
        var open = [CChar](repeating: 0, count: 41)
        guard unsafe zmq_curve_public(&open, secret) == 0 else { return nil }
        let text = String(decoding: open.prefix(40).map(UInt8.init), as: UTF8.self)
        guard let key = CurvePublicKey(text) else { return nil }
        publicKey = key
        self.secret = secret
    }

    static func isKey(_ text: String) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 32)
        guard text.utf8.count == 40 else { return false }
        return unsafe zmq_z85_decode(&bytes, text) != nil
    }
}
