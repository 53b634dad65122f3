/// The messages of a ROUTER. Each begins with the name of its peer.
extension Socket {
    /// Sends a message to a peer of a ROUTER, and counts its last frame until libzmq is done with
    /// it. Returns false, and sends nothing, at the high-water mark.
    public func send(
        to peer: PeerName, _ header: Span<UInt8>, _ body: Span<UInt8>,
        countedBy unsent: UnsentBytes
    ) throws(ZeroMQError) -> Bool {
        guard try send(peer.frame, more: true), try send(Frame(header), more: true) else {
            return false
        }
        return try send(Frame(body, countedBy: unsent))
    }

    /// The same for a message of any number of frames behind the peer's name.
    public func send(
        to peer: PeerName, _ frames: [[UInt8]], countedBy unsent: UnsentBytes
    ) throws(ZeroMQError) -> Bool {
        guard try send(peer.frame, more: true) else { return false }
        for (index, frame) in frames.enumerated() {
            let isLast = index == frames.count - 1
            let frame = isLast ? Frame(frame.span, countedBy: unsent) : Frame(frame)
            guard try send(frame, more: !isLast) else { return false }
        }
        return true
    }

    /// Returns the next accepted message of a ROUTER, or nil if none is waiting.
    ///
    /// Messages that ``accepts(_:_:bytes:)`` rejects are skipped. One of 16 frames or more is an
    /// attack: it is skipped, and its connection is closed.
    public func receiveRequest() throws(ZeroMQError) -> ReceivedRequest? {
        while let peer = try receive() {
            guard peer.hasMore, let first = try receive() else { continue }
            let (sender, descriptor) = (sender(of: first), first.descriptor)
            let (frames, bytes, isWhole) = try receiveRest(behind: first, atMost: Self.mostFrames)
            if !isWhole { disconnect(descriptor) }
            if accepts(sender, descriptor, bytes: bytes), isWhole {
                return ReceivedRequest(
                    peer: peer.withBytes { PeerName($0) }, frames: frames, sender: sender,
                    connection: Connection(descriptor))
            }
        }
        return nil
    }

    /// Returns the frames of a message, its size with ``frameOverhead``, and whether it is whole:
    /// if it has more frames than `limit`, the others are received and dropped.
    func receiveRest(
        behind first: borrowing Frame, atMost limit: Int = .max
    ) throws(ZeroMQError) -> (frames: [[UInt8]], bytes: Int, isWhole: Bool) {
        var frames = [first.array()]
        var bytes = first.count + Self.frameOverhead
        var hasMore = first.hasMore
        var isWhole = true
        while hasMore, let next = try receive() {
            if frames.count < limit { frames.append(next.array()) } else { isWhole = false }
            bytes += next.count + Self.frameOverhead
            hasMore = next.hasMore
        }
        return (frames, bytes, isWhole)
    }

    /// The most frames of a request, behind the one that names the peer.
    public static let mostFrames = 15
    /// What a frame takes beside its bytes, at most, on the network and in libzmq.
    public static let frameOverhead = 64

    /// Returns whether to process a message. If not, its connection is closed.
    ///
    /// A message is not accepted if its sender lost its permission or has too many connections.
    ///
    /// - Parameters:
    ///   - sender: the ``Frame/sender`` of a frame as received, but not of the one by which a
    ///     ROUTER names a peer.
    ///   - descriptor: the ``Frame/descriptor`` of that frame.
    ///   - bytes: the size of all frames, each with ``frameOverhead``.
    public func accepts(_ sender: String?, _ descriptor: Int32, bytes: Int) -> Bool {
        guard let (guarding, rules) = attachments.guarding else { return true }
        return guarding.accepts(
            sender, by: descriptor, bytes: bytes, at: options.zapDomain, under: rules)
    }

    /// The ``Frame/sender`` of a received frame. It looks for one only if there are keys.
    public func sender(of frame: borrowing Frame) -> String? {
        attachments.guarding?.under.hasKeys == false ? nil : frame.sender
    }

    /// Closes the connection with the descriptor, which a ``Frame/descriptor`` named.
    public func disconnect(_ descriptor: Int32) { attachments.guarding?.by.close(descriptor) }
}
