import Bytes
internal import CZeroMQ

/// A frame of a message: bytes in libzmq's memory, passed on without a copy.
@safe public struct Frame: ~Copyable, @unchecked Sendable {
    // Sendable because it alone owns its bytes. Any thread may use it, one at a time.
    var message = zmq_msg_t()

    /// Creates an empty frame.
    public init() { unsafe _ = zmq_msg_init(&message) }

    /// Creates a frame with a copy of `bytes`.
    public init(_ bytes: Span<UInt8>) {
        self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe zmq_msg_data(&message)?.copyMemory(from: base, byteCount: source.count)
        }
    }

    /// Creates a frame with a copy of `bytes`.
    public init(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// Creates a frame with a copy of `bytes`, which `unsent` counts until libzmq is done with
    /// them.
    ///
    /// It counts the memory that a message takes in libzmq as well, so that tiny messages have a
    /// cost, too.
    public init(_ bytes: Span<UInt8>, countedBy unsent: UnsentBytes) {
        let copy = unsafe CountedCopy.make(of: bytes, unsent)
        // Fails only without memory, as any Swift allocation would.
        precondition(
            unsafe zmq_msg_init_data(
                &message, copy + CountedCopy.headSize, bytes.count, CountedCopy.release, copy) == 0,
            "out of memory")
    }

    private init(count: Int) {
        // Fails only without memory, as any Swift allocation would.
        precondition(unsafe zmq_msg_init_size(&message, count) == 0, "out of memory")
    }

    deinit {
        var message = message
        unsafe _ = zmq_msg_close(&message)
    }

    /// Receives the next frame of a socket, or nil if none is waiting.
    static func receive(from socket: UnsafeMutableRawPointer) throws(ZeroMQError) -> Frame? {
        var frame = Frame()
        while unsafe zmq_msg_recv(&frame.message, socket, ZMQ_DONTWAIT) < 0 {
            switch ZeroMQError.last {
            case .wouldBlock: return nil
            case .interrupted: continue
            case let error: throw error
            }
        }
        return frame
    }

    /// The number of bytes.
    public var count: Int { withBytes { $0.count } }

    /// Whether more frames of the same received message follow.
    public var hasMore: Bool {
        var message = message
        return unsafe zmq_msg_more(&message) != 0
    }

    /// The name that the sender was admitted as, or nil without authentication.
    ///
    /// It is also nil for the frame by which a ROUTER names a peer: libzmq adds that frame itself.
    public var sender: String? {
        var message = message
        guard let name = unsafe zmq_msg_gets(&message, "User-Id") else { return nil }
        let text = unsafe String(cString: name)
        return text.isEmpty ? nil : text
    }

    /// The descriptor of the connection that the frame came by.
    public var descriptor: Int32 {
        var message = message
        return unsafe zmq_msg_get(&message, ZMQ_SRCFD)
    }

    /// Calls `body` with the bytes, which are valid only during the call.
    ///
    /// It is inlinable, because a generic function of another module looks up its types in each
    /// call.
    @inlinable public borrowing func withBytes<Value, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var result: Result<Value, Failure>?
        visitBytes { bytes in
            result = Result { () throws(Failure) in try body(bytes) }
        }
        // `visitBytes` calls its argument once.
        guard let result else { preconditionFailure("no result") }
        return try result.get()
    }

    @usableFromInline borrowing func visitBytes(_ body: (Span<UInt8>) -> Void) {
        // A bitwise copy, only read and never closed. It holds the bytes of short frames.
        var message = message
        let count = unsafe zmq_msg_size(&message)
        guard let base = unsafe zmq_msg_data(&message), count > 0 else {
            return body(Span<UInt8>())
        }
        // Safe: libzmq keeps the bytes until the message is closed, and this frame is borrowed.
        let bytes = unsafe UnsafeRawBufferPointer(start: base, count: count)
        body(unsafe Span(_unsafeBytes: bytes))
    }

    /// Returns a copy of the bytes.
    public func array() -> [UInt8] { withBytes { $0.array } }
}

/// Bytes in memory of their own, behind the counter that counts them.
private enum CountedCopy {
    @unsafe private struct Head {
        let unsent: Unmanaged<UnsentBytes>
        let counted: Int
    }

    /// What a message of three frames takes in libzmq beside its bytes.
    private static let overhead = 256
    static let headSize = unsafe MemoryLayout<Head>.size

    static func make(of bytes: Span<UInt8>, _ unsent: UnsentBytes) -> UnsafeMutableRawPointer {
        let copy = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: headSize + bytes.count, alignment: MemoryLayout<Head>.alignment)
        let counted = bytes.count + overhead
        unsafe copy.initializeMemory(
            as: Head.self, to: Head(unsent: .passRetained(unsent), counted: counted))
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe (copy + headSize).copyMemory(from: base, byteCount: source.count)
        }
        unsent.add(counted)
        return unsafe copy
    }

    /// Frees the copy. libzmq calls it, on any of its threads or the socket's.
    static let release:
        @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void = { _, copy in
            guard let copy = unsafe copy else { return }
            let head = unsafe copy.load(as: Head.self)
            unsafe head.unsent.takeRetainedValue().remove(head.counted)
            unsafe copy.deallocate()
        }
}
