import Dispatch
public import Testing

/// Runs a test on a separate pool of threads, so that a test that blocks delays no other.
///
/// Tests share as few threads as the machine has cores. A test that waits there for a process, or
/// computes for long, keeps the others waiting. On a busy machine they then exceed their time
/// limits without being slow themselves.
public struct MayBlock: SuiteTrait, TestTrait, TestScoping {
    public var isRecursive: Bool { true }

    @concurrent public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(BlockingExecutor.shared) { try await function() }
    }
}

extension Trait where Self == MayBlock {
    /// The test starts processes and waits for them, or computes for long.
    public static var mayBlock: MayBlock { MayBlock() }
}

/// A concurrent dispatch queue, which adds a thread when its threads are blocked.
private final class BlockingExecutor: TaskExecutor {
    static let shared = BlockingExecutor()

    private let queue = DispatchQueue(label: "tests", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
