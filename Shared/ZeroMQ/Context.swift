internal import CZeroMQ

/// A libzmq context: the threads that do the input and output of its sockets.
///
/// Contexts, unlike sockets, may be shared. A context ends after its last socket has closed.
@safe public final class Context: Sendable {
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    public init(ioThreads: Int32 = 1) throws(ZeroMQError) {
        guard let handle = unsafe zmq_ctx_new() else { throw .last }
        unsafe self.handle = unsafe handle
        guard unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, ioThreads) == 0 else { throw .last }
    }

    deinit { unsafe _ = zmq_ctx_term(handle) }
}
