internal import CZeroMQ

/// A failure that libzmq or the system reports.
public struct ZeroMQError: Error, Hashable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32
    private let reason: String?

    init(code: Int32, _ reason: String? = nil) {
        self.code = code
        self.reason = reason
    }

    static var last: ZeroMQError { ZeroMQError(code: zmq_errno()) }

    /// Returns the last failure, with the operation and the endpoint in its text.
    static func last(_ operation: String, _ endpoint: String) -> ZeroMQError {
        ZeroMQError(code: zmq_errno(), "can't \(operation) \(endpoint): \(last)")
    }

    /// Throws the last failure unless `result`, which a function of libzmq has returned, is 0.
    static func check(_ result: Int32) throws(ZeroMQError) {
        guard result == 0 else { throw .last }
    }

    /// The peer that a ROUTER should send to is not connected.
    public static let hostUnreachable = ZeroMQError(code: EHOSTUNREACH)
    /// The endpoint needs keys, or the key of its peer is unknown.
    public static let keysNeeded = ZeroMQError(code: ENOKEY)
    /// Another socket is bound to the endpoint.
    public static let addressInUse = ZeroMQError(code: EADDRINUSE)
    /// The endpoint is malformed.
    public static let invalid = ZeroMQError(code: EINVAL)
    /// The endpoint's path is longer than a socket's may be.
    public static let tooLong = ZeroMQError(code: ENAMETOOLONG)
    /// The endpoint begins with a transport that does not exist.
    public static let unknownTransport = ZeroMQError(code: EPROTONOSUPPORT)
    /// The endpoint's transport does not serve this kind of socket.
    public static let otherTransport = ZeroMQError(code: ENOCOMPATPROTO)
    /// The socket can't send or receive without waiting.
    static let wouldBlock = ZeroMQError(code: EAGAIN)
    static let interrupted = ZeroMQError(code: EINTR)

    /// The failure in one line.
    public var description: String {
        unsafe reason ?? String(cString: zmq_strerror(code))
    }

    /// Returns whether `error` has the same code as `pattern`, whatever its text.
    public static func ~= (pattern: ZeroMQError, error: any Error) -> Bool {
        (error as? ZeroMQError)?.code == pattern.code
    }
}
