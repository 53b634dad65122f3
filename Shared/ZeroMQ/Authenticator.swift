/// A peer that asks to connect.
public struct Handshake: Sendable {
    /// The public key that the peer has proved to hold.
    public let key: CurvePublicKey
    /// The peer's network address.
    public let address: String
    /// The ZAP domain of the socket that it connects to: ``Socket/Options/zapDomain``.
    public let zapDomain: String
}

/// The authenticator's answer to a handshake.
public enum Admission: Hashable, Sendable {
    /// Admits the peer. Its messages carry this name as ``Frame/sender``.
    case admitted(as: String)
    /// Denies the peer, which should not try again.
    case denied
    /// Denies the peer for now. It may try again.
    case later
}

/// Decides which peers may connect to a process's TCP sockets and stay connected.
///
/// The threads of the context and of the sockets call it, so it must return quickly.
public protocol Authenticator: Sendable {
    /// Returns the key with which a process of this name proves its identity, or nil if it is
    /// unknown.
    func key(of name: String) -> CurvePublicKey?

    /// Returns whether to admit a peer that has proved to hold the key.
    func admit(_ handshake: Handshake) -> Admission

    /// Returns whether a peer that was admitted as `sender` still would be.
    ///
    /// Asked when a connection sends its first message.
    func isStillAdmitted(_ sender: String, to zapDomain: String) -> Bool

    /// Returns the senders that have lost a permission since the last call.
    ///
    /// It is called several times a second. Their connections are closed, and they may connect
    /// again.
    func takeChangedSenders() -> Set<String>

    /// Logs what was denied without asking the authenticator.
    ///
    /// - Parameter sender: the name it was admitted as, or nil if it was not admitted.
    func note(_ text: String, of sender: String?)

    /// Logs that a process refused a connection of this process.
    func noteFailedConnection(_ text: String)
}

extension Authenticator {
    /// Logs the refusal like what was denied to others.
    public func noteFailedConnection(_ text: String) { note(text, of: nil) }
}

/// What the peers of a context may cost a process before it closes their connections.
public struct ConnectionLimits: Sendable {
    /// The number of connections of one sender. Connections without keys have no such limit.
    public var ofSender = 256
    /// The number of connections with keys that have not sent a message. Beyond it, the oldest is
    /// closed.
    public var silent = 256
    /// The number of connections of the process. Beyond it, the newest is closed.
    public var all = 4096

    /// Creates the default limits.
    public init() {}
}

/// A process's own keys, and the authenticator that decides which peers it trusts.
public struct Security: Sendable {
    let identity: CurveKeyPair
    let authenticator: any Authenticator

    /// Creates the security of a context.
    public init(identity: CurveKeyPair, authenticator: any Authenticator) {
        self.identity = identity
        self.authenticator = authenticator
    }
}
