internal import CZeroMQ

/// A failure that libzmq reports.
public struct ZeroMQError: Error, Hashable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32

    init(code: Int32) { self.code = code }

    static var last: ZeroMQError { ZeroMQError(code: zmq_errno()) }

    /// A ROUTER was asked to send to a peer that is not there.
    public static let hostUnreachable = ZeroMQError(code: EHOSTUNREACH)
    /// Another socket is bound to the endpoint.
    public static let addressInUse = ZeroMQError(code: EADDRINUSE)
    /// Nothing can be received, or sent, without waiting.
    static let wouldBlock = ZeroMQError(code: EAGAIN)
    static let interrupted = ZeroMQError(code: EINTR)

    public var description: String { unsafe String(cString: zmq_strerror(code)) }

    public static func ~= (pattern: ZeroMQError, error: any Error) -> Bool {
        error as? ZeroMQError == pattern
    }
}
