/// One that wants to be let in.
public struct Handshake: Sendable {
    public let key: CurvePublicKey
    /// Of the network.
    public let address: String
    /// The ``Socket/Options/door`` that it has come to.
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

/// Decides who is let in to a process's sockets over TCP, and who may stay. It is asked on threads
/// of the context's and of the sockets', and must not keep them waiting.
public protocol Doorkeeper: Sendable {
    /// The key that a process of this name proves itself with, if it is known.
    func key(of name: String) -> CurvePublicKey?

    /// Whether one that has proved to have the key is let in.
    func admit(_ handshake: Handshake) -> Admission

    /// Whether one that was admitted as `sender` still would be: asked when its connection speaks
    /// for the first time.
    func mayStay(_ sender: String, at door: String) -> Bool

    /// Those that have lost something that they might do since this was last asked, which it is
    /// several times a second: they are parted from, and may come anew.
    func takeLost() -> Set<String>

    /// Told of what was refused without a question.
    ///
    /// - Parameter sender: as what it was admitted; nil if it was not.
    func note(_ text: String, of sender: String?)
}

/// What those that come over TCP may cost a process, before it parts from them.
public struct ConnectionLimits: Sendable {
    /// The connections of one that was admitted.
    public var ofSender = 256
    /// The connections that have not spoken, in all: the oldest gives way.
    public var silent = 256
    /// The bytes that one that was admitted, or all that have not spoken, may have sent of messages
    /// that are not complete, or wait: libzmq bounds frames and messages, but not these.
    public var unheardBytes: UInt64 = 256 << 20

    public init() {}
}

/// Who a process is on the wire, and who decides whom it trusts and lets in.
public struct Security: Sendable {
    let identity: CurveKeyPair
    let doorkeeper: any Doorkeeper
    let limits: ConnectionLimits

    public init(
        identity: CurveKeyPair, doorkeeper: any Doorkeeper,
        limits: ConnectionLimits = ConnectionLimits()
    ) {
        self.identity = identity
        self.doorkeeper = doorkeeper
        self.limits = limits
    }
}
