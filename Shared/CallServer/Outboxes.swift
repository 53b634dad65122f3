package import WireProtocol
package import ZeroMQ

/// What waits to be sent to the connections of a ROUTER, in bytes, each and by key.
///
/// All connections without a key count as those of one caller. It belongs to the actor that has the
/// socket.
package struct Outboxes {
    /// How many bytes may wait to be sent. More is dropped, and the client must ask again.
    private let limits: UnsentBytes.Limits

    /// How many bytes an answer may have for a connection for which nothing waits, even if its
    /// caller is over its limit: one record.
    private static let first = 1 << 20 + 1 << 16

    private struct Outbox {
        let caller: String?
        let unsent: UnsentBytes
    }

    private var boxes: [PeerName: Outbox] = [:]
    private var totals: [String?: UnsentBytes.Total] = [:]
    private let whenFreed: @Sendable (_ peer: PeerName) -> Void

    /// Creates a table without connections.
    ///
    /// - Parameters:
    ///   - bytesOfCaller: how many bytes may wait for all connections of a caller.
    ///   - whenFreed: called on any thread when bytes were sent to a peer for which
    ///     ``UnsentBytes/awaitRoom()`` was called.
    package init(
        bytesOfCaller: Int,
        whenFreed: @escaping @Sendable (_ peer: PeerName) -> Void = { _ in }
    ) {
        limits = UnsentBytes.Limits(
            always: 256 << 10, ofConnection: 8 << 20, ofCaller: bytesOfCaller)
        self.whenFreed = whenFreed
    }

    /// Returns the counter of a connection.
    package mutating func unsent(of peer: PeerName, _ caller: Caller) -> UnsentBytes {
        if let box = boxes[peer], box.caller == caller.name { return box.unsent }
        let total = totals[caller.name] ?? UnsentBytes.Total()
        totals[caller.name] = total
        let unsent = UnsentBytes(in: total) { [whenFreed] in whenFreed(peer) }
        boxes[peer] = Outbox(caller: caller.name, unsent: unsent)
        return unsent
    }

    /// Returns the counter of a connection if an answer of `count` bytes may wait for it.
    package mutating func room(
        for count: Int, to peer: PeerName, _ caller: Caller
    ) -> UnsentBytes? {
        let unsent = unsent(of: peer, caller)
        let fits = unsent.room(within: limits) >= count
        let isFirst =
            unsent.bytes == 0
            && (count <= Self.first || !unsent.isCallerFull(within: limits))
        return fits || isFirst ? unsent : nil
    }

    /// Returns when what waits has been sent, or after a second. A closed socket drops the rest.
    package func flush() async {
        let totals = Array(totals.values)
        // A new task, because the current one may be cancelled.
        await Task {
            let end = ContinuousClock.now + .seconds(1)
            while totals.contains(where: { $0.bytes > 0 }), .now < end {
                // libzmq does not report that it has sent everything.
                try? await Task.sleep(for: .milliseconds(2))
            }
        }.value
    }

    /// Forgets the connections for which nothing waits.
    package mutating func forgetIdle() {
        boxes = boxes.filter { $0.value.unsent.bytes > 0 }
        // Libzmq's threads may have sent the rest in between. A caller has one total all the same.
        let callers = Set(boxes.values.map(\.caller))
        totals = totals.filter { callers.contains($0.key) }
    }
}
