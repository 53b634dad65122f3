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

/// One that wants to be let in.
public struct Handshake: Sendable {
    public let key: CurvePublicKey
    /// Of the network.
    public let address: String
    /// Which of the process's sockets it has come to.
    public let door: String
}

/// What becomes of a handshake.
public enum Admission: Hashable, Sendable {
    /// The ``Frame/sender`` of what it sends is this.
    case admitted(as: String)
    /// It is not to try again.
    case refused
    /// It may try again.
    case later
}

/// Who a process is on the wire, whom it trusts, and whom it lets in.
public struct Security: Sendable {
    let identity: CurveKeyPair
    let key: @Sendable (_ name: String) -> CurvePublicKey?
    let admit: @Sendable (Handshake) -> Admission

    /// - Parameters:
    ///   - key: the key that a process of this name proves itself with, if it is known.
    ///   - admit: is asked on a thread of the context's, for each connection.
    public init(
        identity: CurveKeyPair, key: @escaping @Sendable (_ name: String) -> CurvePublicKey?,
        admit: @escaping @Sendable (Handshake) -> Admission
    ) {
        self.identity = identity
        self.key = key
        self.admit = admit
    }
}
