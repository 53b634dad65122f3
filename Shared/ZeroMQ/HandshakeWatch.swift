import Bytes
internal import CZeroMQ
import Foundation

/// Watches the handshakes of a socket that connects with keys, for those that libzmq does not
/// repeat: the peer refused the key, or it does not use keys.
@safe final class HandshakeWatch {
    /// The endpoint that the socket connects to.
    let endpoint: String
    /// The name of the process at the endpoint.
    let peer: String
    private let monitor: UnsafeMutableRawPointer

    /// Watches a socket that is not connected yet.
    ///
    /// - Parameter peer: the name of the process at the endpoint.
    init(
        _ socket: UnsafeMutableRawPointer, to endpoint: String, of peer: String,
        in context: UnsafeMutableRawPointer
    ) throws(ZeroMQError) {
        let address = "inproc://handshakes-\(UUID().uuidString)"
        // Only events after which libzmq gives the connection up. So at most one waits to be read,
        // however long nobody reads it: libzmq would block if there were too many.
        let events = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
        guard unsafe zmq_socket_monitor(socket, address, events) == 0,
            let monitor = unsafe zmq_socket(context, ZMQ_PAIR)
        else { throw .last }
        guard unsafe zmq_connect(monitor, address) == 0 else {
            let error = ZeroMQError.last
            unsafe _ = zmq_close(monitor)
            throw error
        }
        self.endpoint = endpoint
        self.peer = peer
        unsafe self.monitor = unsafe monitor
    }

    /// Ends the watch, before its context ends.
    func close() { unsafe _ = zmq_close(monitor) }

    /// Returns why the last handshake failed for good, in one line, or nil if none has since the
    /// last call.
    func takeFailure() -> String? {
        var failure: String?
        while let event = try? unsafe Frame.receive(from: monitor) {
            // The first frame begins with the kind, in the machine's byte order. The second is the
            // endpoint.
            guard event.hasMore else { continue }
            let kind = event.withBytes { UInt16(littleEndian: $0.uint16(at: 0)) }
            failure = text(of: Int32(kind))
        }
        return failure
    }

    private func text(of kind: Int32) -> String {
        kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
            ? "denied: \(peer) at \(endpoint) does not accept this process's key: the key is "
                + "unknown there or revoked, or it may not connect"
            : "what listens at \(endpoint) does not use keys, so it can't prove that it is \(peer)"
    }
}
