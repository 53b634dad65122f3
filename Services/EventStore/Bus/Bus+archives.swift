import EventSourcing
import Foundation
import ObjectStorage
import WireProtocol

extension Bus {
    /// Creates the archive in its place before it is defined, because the archiver looks for it
    /// there.
    func create(_ archive: ArchiveDefinition, _ cause: Cause) async throws -> Outcome {
        if let outcome = try await earlierOutcome(of: cause) { return outcome }
        _ = try Definitions.decide(.createArchive(archive), given: definitions)
        // Not on the bus's thread, which must not wait for the place.
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await archive.make(of: log, in: archiveRoots)
        }
        return try await execute(.createArchive(archive), cause)
    }

    /// Returns the views of all archives, by name.
    func archiveViews() async -> [ArchiveView] {
        var views: [ArchiveView] = []
        for archiver in archives.values { views.append(await archiver.view) }
        return views.sorted { $0.archive.name < $1.archive.name }
    }

    /// Runs all archivers concurrently, off the bus's thread.
    func runArchivers() async throws {
        await withDiscardingTaskGroup { group in
            for await archiver in newArchivers.stream {
                group.addTask(executorPreference: globalConcurrentExecutor) {
                    await archiver.run()
                }
            }
        }
        throw CancellationError()
    }
}
