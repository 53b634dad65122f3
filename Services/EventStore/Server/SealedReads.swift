import EventLog
import EventSourcing
import ZeroMQ

/// Reads sealed segments on a thread of its own.
actor SealedReads {
    /// A read that is to go on in sealed segments.
    struct Job: Sendable {
        let key: ReadKey
        /// The serial number of the read, which no other read under the same key has.
        let serial: UInt64
        let read: LogRead
        let reader: SealedReader
        /// At most this many chunks.
        let chunks: UInt32
    }

    /// Some chunks, each with the read as it is behind it; why there are no more, if that is
    /// damage.
    struct Outcome: Sendable {
        var chunks: [(chunk: LogChunk, read: LogRead)] = []
        var damage: LogError?
    }

    /// Chunks that are read before others have their turn.
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
