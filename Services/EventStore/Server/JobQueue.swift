/// A queue of jobs for another task.
struct JobQueue<Job: Sendable> {
    let queue: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation

    init() { (queue, continuation) = AsyncStream.makeStream() }

    func enqueue(_ job: Job) { continuation.yield(job) }
}
