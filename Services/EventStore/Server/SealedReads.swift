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
        let chunks: Int
        /// How many bytes the chunks may have. The last one may have more, by one record.
        let bytes: Int
    }

    /// The number of chunks that a read gets before others have their turn.
    static let turn = 4
    /// How long a read takes before others have their turn.
    private static let longestTurn: Duration = .milliseconds(10)

    let loop = SocketLoop(name: "sealed-reads")

    /// Returns the chunks that were read, each with the state of the read after it. If damage ends
    /// the job, it comes last.
    func run(_ job: Job) -> [(chunk: Result<LogChunk, LogError>, read: LogRead)] {
        var results: [(chunk: Result<LogChunk, LogError>, read: LogRead)] = []
        var read = job.read
        let end = ContinuousClock.now + Self.longestTurn
        var bytes = 0
        func isEnough() -> Bool {
            results.count >= job.chunks || bytes + read.chunkBytes > job.bytes || .now >= end
        }
        while results.isEmpty || !isEnough(), !read.isDone, read.position < job.segments.end {
            let chunk = Result { () throws(LogError) in try job.segments.read(&read) }
            results.append((chunk, read))
            guard case .success(let chunk) = chunk else { break }
            bytes += chunk.bytes.count
        }
        return results
    }
}
