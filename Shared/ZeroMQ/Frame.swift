internal import CZeroMQ

/// One frame of a message: bytes in memory of libzmq's, handed on without a copy.
@safe public struct Frame: ~Copyable, @unchecked Sendable {
    // Sendable: it owns its bytes alone, and a frame may be used on any thread, by one at a time.
    var message = zmq_msg_t()

    /// An empty frame.
    public init() { unsafe _ = zmq_msg_init(&message) }

    /// A frame with a copy of `bytes`.
    public init(_ bytes: Span<UInt8>) {
        self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe zmq_msg_data(&message)?.copyMemory(from: base, byteCount: source.count)
        }
    }

    /// A frame with a copy of `bytes`.
    public init(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// A frame of `count` bytes that `fill` fills in.
    public init<Failure: Error>(
        count: Int, fill: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        self.init(count: count)
        try withMutableBytes(fill)
    }

    private init(count: Int) {
        // Fails only when memory does, as any allocation in Swift would.
        precondition(unsafe zmq_msg_init_size(&message, count) == 0, "out of memory")
    }

    deinit {
        var message = message
        unsafe _ = zmq_msg_close(&message)
    }

    public var count: Int { withBytes { $0.count } }

    /// Whether the message goes on behind this frame, if it was received.
    public var hasMore: Bool {
        var message = message
        return unsafe zmq_msg_more(&message) != 0
    }

    /// As what the one that has sent it was let in; nil where that is not asked. The frame by which
    /// a ROUTER names a peer is not sent by anybody.
    public var sender: String? {
        var message = message
        guard let name = unsafe zmq_msg_gets(&message, "User-Id") else { return nil }
        let text = unsafe String(cString: name)
        return text.isEmpty ? nil : text
    }

    /// Of the connection by which it has come.
    var descriptor: Int32 {
        var message = message
        return unsafe zmq_msg_get(&message, ZMQ_SRCFD)
    }

    /// The bytes, for as long as `body` runs.
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // A bitwise copy, used for reading only and never closed. Short frames lie inside it.
        var message = message
        let count = unsafe zmq_msg_size(&message)
        guard let base = unsafe zmq_msg_data(&message), count > 0 else {
            return try body(Span<UInt8>())
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
        return try body(unsafe Span(_unsafeBytes: bytes))
    }

    /// The bytes, to be changed in place while `body` runs.
    public mutating func withMutableBytes<Result, Failure: Error>(
        _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let count = unsafe zmq_msg_size(&message)
        let base = unsafe zmq_msg_data(&message)
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
        var span = unsafe MutableSpan<UInt8>(_unsafeBytes: bytes)
        return try body(&span)
    }

    /// A copy of the bytes.
    public func array() -> [UInt8] {
        withBytes { bytes in
            unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
        }
    }
}
