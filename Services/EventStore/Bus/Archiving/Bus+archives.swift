import CallServer
import EventPattern
import EventSourcing
import Foundation
import Logging
import WireProtocol

/// An archive as the tables store it.
struct ArchiveRow: Codable, Hashable, Sendable {
    var definition: ArchiveDefinition
    var createdAt: Timestamp
    var createdBy: String
}

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
        await server.command(BusCall.deleteArchive) { (name: String, cause) in
            try await self.deleteArchive(name, cause)
        }
        await server.query(BusCall.archives) { (_: Nothing, atLeast) in
            try await self.routed(through: atLeast)
            return await self.archiveViews()
        }
    }

    private func create(_ archive: ArchiveDefinition, _ cause: Cause) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        if let fault = archive.fault { throw DaybookError(.invalid, fault) }
        if let pattern = archive.pattern { _ = try EventPattern(pattern) }
        guard archives[archive.name] == nil else {
            throw DaybookError(
                .rejected, "there is an archive '\(archive.name)' already; choose another name")
        }
        guard rules.rules[archive.rule.name] == nil else {
            throw DaybookError(
                .rejected,
                "there is a rule '\(archive.rule.name)' already, the name that the "
                    + "archive's own rule needs; choose another name")
        }
        // Not on the bus's thread, which must not wait for the place.
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await archive.make(of: log)
        }
        return try await append(BusCategory.archive, archive.name, .archiveCreated, archive, cause)
    }

    private func deleteArchive(_ name: String, _ cause: Cause) async throws -> Outcome {
        if let position = try await earlierEffect(of: cause) {
            return .repeated(position: position)
        }
        _ = try archive(name)
        return try await append(BusCategory.archive, name, .archiveDeleted, Nothing(), cause)
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

    /// Throws `rejected` if the rule with this name belongs to an archive.
    func checkUnmanaged(rule name: String) throws {
        guard
            let archive = archives.values.map(\.row.definition).first(where: {
                $0.rule.name == name
            })
        else { return }
        throw DaybookError(
            .rejected, "rule '\(name)' belongs to archive '\(archive.name)'; change the archive")
    }

    // MARK: What the log tells

    func create(_ definition: ArchiveDefinition, _ event: RecordedEvent) throws {
        guard archives[definition.name] == nil else {
            throw DaybookError(.invalid, "there is an archive '\(definition.name)' already")
        }
        let row = ArchiveRow(
            definition: definition, createdAt: event.time, createdBy: event.actor)
        try keep(row)
        changes.archives[definition.name] = row
    }

    func deleteArchive(_ name: String) throws {
        let archive = try archive(name)
        archives[name] = nil
        archive.archiver.stop()
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
