import EventLog
import EventSourcing
import ZeroMQ

/// Reads sealed segments on its own thread.
actor SealedReads: LoopActor {
    /// A read that must continue in sealed segments.
    struct Job: Sendable {
        let key: ReadKey
        /// The serial number of the read, which no other read under the same key has.
        let serial: UInt64
        let read: LogRead
        let segments: SealedSegments
        /// The largest number of chunks to read.
        let chunks: UInt32
    }

    /// The number of chunks that a read gets before others have their turn.
    static let turn: UInt32 = 4

    let loop = SocketLoop(name: "sealed-reads")

    /// Returns the chunks that were read, each with the state of the read after it. If damage ends
    /// the job, it comes last.
    func run(_ job: Job) -> [(chunk: Result<LogChunk, LogError>, read: LogRead)] {
        var results: [(chunk: Result<LogChunk, LogError>, read: LogRead)] = []
        var read = job.read
        while results.count < Int(job.chunks), !read.isDone, read.position < job.segments.end {
            let chunk = Result { () throws(LogError) in try job.segments.read(&read) }
            results.append((chunk, read))
            if case .failure = chunk { break }
        }
        return results
    }
}
