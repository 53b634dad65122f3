internal import CZeroMQ
import Synchronization

/// A libzmq context: the threads that do the input and output of its sockets.
///
/// Contexts, unlike sockets, may be shared. A context ends after its last socket has closed.
@safe public final class Context: Sendable {
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer
    let security: Security?
    private let handshakes = Mutex<HandshakeGuard?>(nil)

    /// - Parameter security: with it, all that goes over TCP is encrypted and both sides are known;
    ///   without it, sockets use TCP within the machine alone.
    public init(ioThreads: Int32 = 1, security: Security? = nil) throws(ZeroMQError) {
        self.security = security
        guard let handle = unsafe zmq_ctx_new() else { throw .last }
        unsafe self.handle = unsafe handle
        guard unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, ioThreads) == 0 else { throw .last }
    }

    /// What guards the sockets that others reach; there from the first of them on.
    var handshakeGuard: HandshakeGuard? { handshakes.withLock { $0 } }

    func guardHandshakes(_ security: Security) throws(ZeroMQError) -> HandshakeGuard {
        try handshakes.withLock { handshakes throws(ZeroMQError) in
            if let handshakes { return handshakes }
            let made = try unsafe HandshakeGuard(handle, security)
            handshakes = made
            return made
        }
    }

    deinit { unsafe _ = zmq_ctx_term(handle) }
}
