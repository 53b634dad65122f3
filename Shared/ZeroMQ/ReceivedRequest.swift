/// A message that a ROUTER has received.
public struct ReceivedRequest: Sendable {
    /// The name of the connection.
    public let peer: PeerName
    /// The frames behind it.
    public let frames: [[UInt8]]
    /// The name that the sender was admitted as, or nil without keys.
    public let sender: String?
    /// The connection that it came by, or nil if that has ended.
    public let connection: Connection?
}
