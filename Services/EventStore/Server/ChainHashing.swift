import EventLog
import EventSourcing
import WireProtocol
import ZeroMQ

/// Computes the hash of the log's chain on a thread of its own.
actor ChainHashing {
    private let loop = SocketLoop(name: "chain")
    /// What the last answer came to, or as far as one did that was cut short.
    private var known: ChainPoint?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// The chain at the head of the log as the reader has it.
    ///
    /// - Throws: `LogError`, and `CancellationError` within a segment's time.
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
            throw ProtocolError(.overloaded, "too many ask for the head of the chain; ask later")
        }
        chainsWaiting += 1
        chainRequests.enqueue(key)
    }

    /// Answers who asks for the head of the chain, one after the other.
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
