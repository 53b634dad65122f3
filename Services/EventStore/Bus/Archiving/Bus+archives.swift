import CallServer
import EventPattern
import EventSourcing
import Foundation
import Logging
import WireProtocol

/// An archive and its archiver.
struct Archive {
    let row: ArchiveRow
    let archiver: Archiver
    /// Whether a task runs the archiver.
    var isAtWork = false
}

extension Bus {
    // MARK: Calls

    func answerArchiveCalls() async {
        await server.command(BusCall.createArchive) { (archive: ArchiveDefinition, cause) in
            try await self.create(archive, cause)
        }
        await server.query(BusCall.archives) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.archiveViews()
        }
    }

    private func create(_ archive: ArchiveDefinition, _ cause: Cause) async throws -> Outcome {
        if let outcome = try await earlierOutcome(of: cause) { return outcome }
        _ = try Definitions.decide(.createArchive(archive), given: definitions)
        // Not on the bus's thread, which must not wait for the place.
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await archive.make(of: log)
        }
        return try await execute(.createArchive(archive), cause)
    }

    func archive(_ name: String) throws -> Archive {
        guard let archive = archives[name] else {
            throw ProtocolError(.notFound, "there is no archive '\(name)'")
        }
        return archive
    }

    func archiveViews() async -> [ArchiveView] {
        var views: [ArchiveView] = []
        for archive in archives.values {
            views.append(await archive.archiver.view(createdAt: archive.row.createdAt))
        }
        return views.sorted { $0.archive.name < $1.archive.name }
    }

    // MARK: Rules

    /// Returns the rules that describe archives.
    func managedRuleViews() async -> [RuleView] {
        var views: [RuleView] = []
        for archive in archives.values {
            views.append(
                RuleView(
                    rule: archive.row.definition.rule, isManaged: true,
                    matched: await archive.archiver.matchedCount,
                    changedAt: archive.row.createdAt, changedBy: archive.row.createdBy))
        }
        return views
    }

    // MARK: What the log tells

    func create(_ definition: ArchiveDefinition, _ event: RecordedEvent) throws {
        let row = ArchiveRow(
            definition: definition, createdAt: event.time, createdBy: event.actor)
        try keep(row)
        changes.archives[definition.name] = row
    }

    func deleteArchive(_ name: String) {
        archives.removeValue(forKey: name)?.archiver.stop()
        changes.archives[name] = .some(nil)
    }

    func keep(_ row: ArchiveRow) throws {
        archives[row.definition.name] = Archive(
            row: row,
            archiver: try Archiver(row.definition, of: log, client: client, logger: logger))
        archiveSignal.continuation.yield()
    }

    // MARK: At work

    /// Runs all archivers concurrently, off the bus's thread.
    func archive() async throws {
        await withDiscardingTaskGroup { group in
            for await _ in archiveSignal.stream {
                for (name, archive) in archives where !archive.isAtWork {
                    archives[name]?.isAtWork = true
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        await archive.archiver.run()
                    }
                }
            }
        }
        throw CancellationError()
    }
}
