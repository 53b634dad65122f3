internal import CZeroMQ

/// A failure that libzmq reports.
public struct ZeroMQError: Error, Hashable, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32
    private let reason: String?

    init(code: Int32, _ reason: String? = nil) {
        self.code = code
        self.reason = reason
    }

    /// An endpoint that others than this machine reach, in a context without keys.
    static func open(_ endpoint: String) -> ZeroMQError {
        ZeroMQError(code: keysNeeded.code, "\(endpoint) is open to the network, so it needs keys")
    }

    /// A peer that can't be told from another.
    static func unknown(_ peer: String, at endpoint: String) -> ZeroMQError {
        ZeroMQError(code: keysNeeded.code, "the key of \(peer), at \(endpoint), is not known")
    }

    static var last: ZeroMQError { ZeroMQError(code: zmq_errno()) }

    /// The failure to do something with an endpoint, which is named.
    static func last(_ operation: String, _ endpoint: String) -> ZeroMQError {
        ZeroMQError(code: zmq_errno(), "can't \(operation) \(endpoint): \(last)")
    }

    /// A ROUTER was asked to send to a peer that is not there.
    public static let hostUnreachable = ZeroMQError(code: EHOSTUNREACH)
    /// The endpoint may not be used without keys.
    public static let keysNeeded = ZeroMQError(code: ENOKEY)
    /// Another socket is bound to the endpoint.
    public static let addressInUse = ZeroMQError(code: EADDRINUSE)
    /// Nothing can be received, or sent, without waiting.
    static let wouldBlock = ZeroMQError(code: EAGAIN)
    static let interrupted = ZeroMQError(code: EINTR)

    public var description: String {
        unsafe reason ?? String(cString: zmq_strerror(code))
    }

    public static func ~= (pattern: ZeroMQError, error: any Error) -> Bool {
        (error as? ZeroMQError)?.code == pattern.code
    }
}
