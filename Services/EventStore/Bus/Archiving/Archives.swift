import WireProtocol

/// All archives and their archivers.
struct Archives {
    private struct Archive {
        let row: ArchiveRow
        let archiver: Archiver
        /// Whether a task runs the archiver.
        var isRunning = false
    }

    private var archives: [String: Archive] = [:]

    var definitions: [ArchiveDefinition] { archives.values.map(\.row.definition) }

    mutating func add(_ row: ArchiveRow, _ archiver: Archiver) {
        archives[row.definition.name] = Archive(row: row, archiver: archiver)
    }

    /// Removes the archive. Returns its archiver, which the caller must stop.
    mutating func remove(_ name: String) -> Archiver? {
        archives.removeValue(forKey: name)?.archiver
    }

    func archiver(of name: String) throws -> Archiver {
        guard let archive = archives[name] else {
            throw ProtocolError(.notFound, "there is no archive '\(name)'")
        }
        return archive.archiver
    }

    /// Returns the archivers that nobody runs, and marks them as running.
    mutating func takeIdle() -> [Archiver] {
        let idle = archives.filter { !$0.value.isRunning }
        for name in idle.keys { archives[name]?.isRunning = true }
        return idle.values.map(\.archiver)
    }

    func views() async -> [ArchiveView] {
        var views: [ArchiveView] = []
        for archive in archives.values {
            views.append(await archive.archiver.view(createdAt: archive.row.createdAt))
        }
        return views.sorted { $0.archive.name < $1.archive.name }
    }

    /// Returns the rules that describe the archives.
    func ruleViews() async -> [RuleView] {
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
}
