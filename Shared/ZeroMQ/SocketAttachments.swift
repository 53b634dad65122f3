/// What `bind` and `connect` add to a socket. A class, so that they do not change the socket, which
/// its owners keep as a constant.
final class SocketAttachments {
    /// What guards the connections of a bound socket.
    var guarding: (by: HandshakeGuard, under: PeerRules)?
    /// What watches the handshakes of a socket that connects with keys.
    private(set) var watch: HandshakeWatch?
    /// The key that the peer must prove to hold.
    var peerKey: CurvePublicKey?
    /// When to look again whether the peer has another key.
    var nextKeyCheck = ContinuousClock.now

    // A method of its own: the optimizer crashes on the assignment in `Socket.connect`.
    func watchHandshakes(
        of socket: UnsafeMutableRawPointer, to endpoint: String, of peer: String,
        in context: UnsafeMutableRawPointer
    ) throws(ZeroMQError) {
        unsafe watch = try HandshakeWatch(socket, to: endpoint, of: peer, in: context)
    }
}
