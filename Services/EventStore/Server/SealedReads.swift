import EventLog
import EventSourcing
import ZeroMQ

/// Reads sealed segments on its own thread.
actor SealedReads {
    /// A read that must continue in sealed segments.
    struct Job: Sendable {
        let key: ReadKey
        /// The serial number of the read, which no other read under the same key has.
        let serial: UInt64
        let read: LogRead
        let reader: SealedReader
        /// The largest number of chunks to read.
        let chunks: UInt32
    }

    /// The chunks that were read, each with the state of the read after it. If damage ended the
    /// job, it is in `damage`.
    struct Outcome: Sendable {
        var chunks: [(chunk: LogChunk, read: LogRead)] = []
        var damage: LogError?
    }

    /// The number of chunks that a read gets before others have their turn.
    static let turn: UInt32 = 4

    private let loop = SocketLoop(name: "sealed-reads")

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    func run(_ job: Job) -> Outcome {
        var outcome = Outcome()
        var read = job.read
        do throws(LogError) {
            while outcome.chunks.count < Int(job.chunks), !read.isDone,
                read.position < job.reader.end
            {
                let chunk = try job.reader.read(&read)
                outcome.chunks.append((chunk, read))
            }
        } catch {
            outcome.damage = error
        }
        return outcome
    }
}
