import EventLog
import EventSourcing
import WireProtocol
import ZeroMQ

/// Computes the hash of the log's chain on a thread of its own.
actor ChainHashing {
    private let loop = SocketLoop(name: "chain")
    /// The last point that was computed, for an answer or for one that was cancelled.
    private var known: ChainPoint?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// Returns the point of the chain at the reader's head.
    ///
    /// - Throws: `LogError`. After a cancellation, `CancellationError` when the current segment is
    ///   done.
    func head(_ reader: ChainReader) throws -> ChainPoint {
        var point = try reader.start(after: known)
        while point.position < reader.head {
            try Task.checkCancellation()
            point = try reader.next(after: point)
            known = point
        }
        return point
    }
}

extension EventStoreServer {
    func enqueueChain(_ key: ReadKey) throws(ProtocolError) {
        guard chainsWaiting < 1000 else {
            throw ProtocolError(.overloaded, "too many requests for the chain; try again later")
        }
        chainsWaiting += 1
        chainRequests.enqueue(key)
    }

    /// Answers the waiting requests for the head of the chain, one after the other.
    func serveChain() async throws {
        for await key in chainRequests.queue {
            chainsWaiting -= 1
            let reader = log.chainReader
            let answer: Answer
            do {
                let point = try await chain.head(reader)
                let head = LogHead(
                    log: reader.log, position: reader.head, time: reader.time,
                    hash: point.hash.description)
                answer = Answer(key, .result, [try encode(head)])
            } catch let error as LogError {
                answer = Answer(key, .error, [told(ProtocolError(error))])
            }
            _ = send(answer)
        }
        throw CancellationError()
    }
}
