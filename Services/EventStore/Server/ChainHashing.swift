import EventLog
import EventSourcing
import JSON
import WireProtocol
import ZeroMQ

/// Computes the hash of the log's chain on a thread of its own.
actor ChainHashing: LoopActor {
    let loop = SocketLoop(name: "chain")
    /// The last point that was computed, for an answer or for one that was cancelled.
    private var known: ChainPoint?

    /// Returns the point of the chain at the reader's head.
    ///
    /// - Throws: `LogError`. After a cancellation, `CancellationError` when the current segment is
    ///   done.
    func head(_ reader: ChainReader) throws -> ChainPoint {
        // A request with a later head may have overtaken this one.
        let known = known.flatMap { $0.position > reader.head ? nil : $0 }
        var point = try reader.start(after: known)
        while point.position < reader.head {
            try Task.checkCancellation()
            point = try reader.next(after: point)
            self.known = point
        }
        return point
    }
}

extension EventStoreServer {
    /// Returns the head of the log with the hash of its chain.
    func chainHead() async throws -> [UInt8] {
        guard chainsWaiting < 1000 else {
            throw ProtocolError(.overloaded, "too many requests for the chain; try again later")
        }
        chainsWaiting += 1
        defer { chainsWaiting -= 1 }
        let reader = log.chainReader
        let point = try await chain.head(reader)
        return try JSON.encode(
            LogHead(
                log: reader.log, position: reader.head, time: reader.time,
                hash: point.hash.description))
    }
}
