import ArgumentParser
import CommandLine
import EventArchive
import EventLog
import EventSourcing
import ServiceRuntime
import WireProtocol

struct Restore: ProgramCommand {
    static let abstract = "Restore a log that no process serves from an archive of all its events."
    static let discussion = """
        Rewrites damaged and missing segments, or the whole log if it is missing. Undamaged \
        segments stay as they are. A damaged segment is kept as <segment>.damaged, or \
        <segment>.damaged-2 and so on if there are earlier copies.
        """

    @Argument(help: "The name of the archive.") var name: String
    @Option(help: "Where the archive is: a folder, or s3://bucket/prefix.") var from: String
    @Option(help: "The URL of the S3-compatible store, http:// or https:// (AWS_ENDPOINT_URL).")
    var endpoint: String?
    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    var home = Endpoints.home
    @Flag(help: "Print what would be done, and change nothing.") var dryRun = false
    @Flag(help: "Print JSON.") var json = false

    func run() async throws {
        makeNewFilesPrivate()
        let archive = try await ArchiveReader(name, in: from, endpoint: endpoint)
        let restored = try await restore(from: archive)
        let report = RestorationReport(
            log: restored.log.description, head: restored.head, segments: restored.segments,
            damaged: restored.keptAside.map(\.name),
            keptAs: restored.keptAside.map(\.copy), indexes: restored.indexes,
            lost: restored.lost.map { .init(from: $0.lowerBound, through: $0.upperBound) },
            endUnknown: restored.isEndUnknown, dryRun: dryRun)
        if json { try Output.json(report) } else { try Output.print(lines: report.lines) }
    }

    private func restore(from archive: ArchiveReader) async throws -> LogRestoration {
        var (bar, isVerifying) = (ProgressBar("verify", total: 0), true)
        defer { bar.end() }
        return try await LogRestoration(
            in: home + "/log",
            from: ArchivedLog(of: archive.manifest.log, through: archive.manifest.checkpoint) {
                archive.events(from: $0.lowerBound, through: $0.upperBound)
            }, isDryRun: dryRun
        ) { step, done, all in
            if step == .restoring, isVerifying {
                bar.end()
                (bar, isVerifying) = (ProgressBar("restore", total: all), false)
            }
            bar.show(done, of: all, isVerifying ? "segments" : "positions")
        }
    }
}

/// The report that `restore` prints.
private struct RestorationReport: Encodable {
    struct Positions: Encodable {
        let from, through: UInt64
    }

    let log: String
    let head: UInt64
    let segments: [RestoredSegment]
    let damaged: [String]
    let keptAs: [String]
    let indexes: [String]
    let lost: Positions?
    let endUnknown: Bool
    let dryRun: Bool

    /// The report for people.
    var lines: [String] {
        guard lost != nil || !segments.isEmpty || !indexes.isEmpty else {
            return ["log \(log): \(head) events, all of them whole; nothing to restore"]
        }
        var lines = segments.map { segment in
            "\(segment.name): \((segment.from...segment.through).positionText) rewritten, "
                + "\(segment.archived) of them from the archive"
        }
        lines += zip(damaged, keptAs).map { "\($0): damaged, kept as \($1)" }
        lines += indexes.map { "\($0): index rebuilt" }
        if let lost {
            lines.append(
                "\((lost.from...lost.through).positionText) can't be restored: the archive "
                    + "does not have them")
        }
        if endUnknown {
            lines.append("events after position \(head), if any, are not archived")
        }
        lines.append("log \(log): \(head) events, restored")
        return dryRun ? ["what would be done:"] + lines : lines
    }
}
