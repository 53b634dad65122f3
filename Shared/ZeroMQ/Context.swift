internal import CZeroMQ
import Synchronization

/// A libzmq context: the threads that do the input and output of its sockets.
///
/// A context may be shared, unlike its sockets. It ends after its last socket has closed.
@safe public final class Context: Sendable {
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    let security: Security?
    private let limits: ConnectionLimits
    private let handshakes = Mutex<HandshakeGuard?>(nil)

    /// Creates a context.
    ///
    /// - Parameters:
    ///   - security: encrypts and authenticates both sides over TCP. Without it, sockets use TCP
    ///     within this machine only.
    ///   - limits: what the peers of bound sockets may cost.
    /// - Throws: the error of libzmq, for example when no descriptor is left.
    public init(
        security: Security? = nil, limits: ConnectionLimits = ConnectionLimits()
    ) throws(ZeroMQError) {
        self.security = security
        self.limits = limits
        guard let handle = unsafe zmq_ctx_new() else { throw .last }
        unsafe self.handle = unsafe handle
        // Otherwise a short frame keeps all the bytes in memory that were received with it, 18 KiB
        // with libzmq's counters. The header has no name for the option (ZMQ_ZERO_COPY_RECV).
        // Safe: the handle is the context's own.
        unsafe _ = zmq_ctx_set(handle, 10, 0)
    }

    /// Returns the context's guard, and starts it on the first call.
    func guardConnections() throws(ZeroMQError) -> HandshakeGuard {
        try handshakes.withLock { handshakes throws(ZeroMQError) in
            if let handshakes { return handshakes }
            _ = (Descriptors.areReserved, PeerInputs.areFollowed)
            let made = try unsafe HandshakeGuard(handle, security?.authenticator, limits)
            handshakes = made
            return made
        }
    }

    deinit { unsafe _ = zmq_ctx_term(handle) }
}
