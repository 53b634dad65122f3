internal import CZeroMQ
import Foundation

/// Answers libzmq's question, for each handshake of a context, whether the peer is let in: the
/// ZeroMQ Authentication Protocol (RFC 27), on a thread that ends with the context.
enum HandshakeGuard {
    /// Begins to answer: when this returns, no handshake goes unasked. Before, libzmq would let
    /// everybody in, so nothing may be bound sooner.
    static func start(
        in context: UnsafeMutableRawPointer,
        _ admit: @escaping @Sendable (Handshake) -> Admission
    ) throws(ZeroMQError) {
        guard let socket = unsafe zmq_socket(context, ZMQ_REP) else { throw .last }
        guard unsafe zmq_bind(socket, "inproc://zeromq.zap.01") == 0 else {
            let error = ZeroMQError.last
            unsafe _ = zmq_close(socket)
            throw error
        }
        // Made here and used there: a socket may change threads, if only one has it at a time.
        nonisolated(unsafe) let owned = unsafe socket
        let thread = Thread {
            while let request = unsafe receive(owned) {
                unsafe send(answer(to: request, admit), to: owned)
            }
            unsafe _ = zmq_close(owned)
        }
        thread.name = "handshakes"
        thread.start()
    }

    /// Frames: version, request, domain, address, routing id, mechanism and, for CURVE, the key.
    private static func answer(
        to request: [[UInt8]], _ admit: (Handshake) -> Admission
    ) -> [[UInt8]] {
        let id = request.count > 1 ? request[1] : []
        func answer(_ status: String, _ text: String, _ name: String) -> [[UInt8]] {
            [Array("1.0".utf8), id, Array(status.utf8), Array(text.utf8), Array(name.utf8), []]
        }
        guard request.count == 7, request[5] == Array("CURVE".utf8),
            let key = CurvePublicKey(bytes: request[6])
        else { return answer("400", "not let in", "") }
        let handshake = Handshake(
            key: key, address: String(decoding: request[3], as: UTF8.self),
            door: String(decoding: request[2], as: UTF8.self))
        switch admit(handshake) {
        case .admitted(let name): return answer("200", "", name)
        case .refused: return answer("400", "not let in", "")
        case .later: return answer("300", "later", "")
        }
    }

    /// The next request; nil when the context ends.
    private static func receive(_ socket: UnsafeMutableRawPointer) -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        while true {
            var frame = Frame()
            guard unsafe zmq_msg_recv(&frame.message, socket, 0) >= 0 else {
                if ZeroMQError.last == .interrupted { continue }
                return nil
            }
            frames.append(frame.array())
            if !frame.hasMore { return frames }
        }
    }

    private static func send(_ frames: [[UInt8]], to socket: UnsafeMutableRawPointer) {
        for (index, bytes) in frames.enumerated() {
            let flags = index < frames.count - 1 ? ZMQ_SNDMORE : 0
            // Fails when the context ends, which the next receive tells.
            unsafe _ = zmq_send(socket, bytes, bytes.count, flags)
        }
    }
}
