internal import CZeroMQ

/// A peer's public key for CURVE (ZeroMQ RFC 26): 32 bytes, written as 40 characters of Z85 (ZeroMQ
/// RFC 32).
public struct CurvePublicKey: Hashable, Sendable, LosslessStringConvertible {
    /// The key as 40 characters of Z85.
    public let description: String

    /// Creates a key from 40 characters of Z85, or returns nil if the text is not a key.
    public init?(_ text: String) {
        guard CurveKeyPair.isKey(text) else { return nil }
        description = text
    }

    /// Creates a key from the 32 bytes of a handshake, or returns nil for another number of bytes.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard unsafe zmq_z85_encode(&text, bytes, bytes.count) != nil else { return nil }
        description = String(decoding: text.prefix(40).map(UInt8.init), as: UTF8.self)
    }
}

/// A public key and the secret that proves it.
///
/// It has no description, so that logs never show the secret.
public struct CurveKeyPair: Sendable {
    /// The key that peers know this process by.
    public let publicKey: CurvePublicKey
    /// The secret key, as 40 characters of Z85.
    public let secret: String

    /// Returns a new pair, made from the system's random numbers.
    ///
    /// - Throws: the error of libzmq if it has no CURVE.
    public static func generate() throws(ZeroMQError) -> CurveKeyPair {
        var open = [CChar](repeating: 0, count: 41)
        var secret = open
        try unsafe ZeroMQError.check(zmq_curve_keypair(&open, &secret))
        let text = String(decoding: secret.prefix(40).map(UInt8.init), as: UTF8.self)
        guard let pair = CurveKeyPair(secret: text) else { throw ZeroMQError(code: EINVAL) }
        return pair
    }

    /// Creates the pair of this secret, or returns nil if the text is not a key.
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
