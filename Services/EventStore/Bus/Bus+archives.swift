import EventSourcing
import Foundation
import WireProtocol

extension Bus {
    /// Creates the archive in its place before it is defined, because the archiver looks for it
    /// there.
    func create(_ archive: ArchiveDefinition, _ cause: Cause) async throws -> Outcome {
        if let outcome = try await earlierOutcome(of: cause, cause.eventID(0)) { return outcome }
        _ = try Definitions.decide(.createArchive(archive), given: definitions)
        // Not on the bus's thread, which must not wait for the place.
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await archive.make(of: log)
        }
        return try await execute(.createArchive(archive), cause)
    }

    /// Runs all archivers concurrently, off the bus's thread.
    func runArchivers() async throws {
        await withDiscardingTaskGroup { group in
            for await _ in archiveSignal.signals {
                for archiver in archives.takeIdle() {
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        await archiver.run()
                    }
                }
            }
        }
        throw CancellationError()
    }
}
