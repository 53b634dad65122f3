import ArgumentParser
import CommandLine
import EventArchive
import EventSourcing
import Foundation
import WireProtocol

struct Archives: ProgramCommand {
    static let abstract = "Manage copies of events in a folder or in an S3-compatible store."
    static let subcommands: [any ParsableCommand.Type] = [
        Create.self, BusList<ArchiveView>.self, Show.self, Verify.self, Delete.self,
    ]
}

/// A number of days on the command line, such as `30` or `30d`.
struct Days: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(_ text: String) {
        guard let value = Double(text, unit: "d") else { return nil }
        self.value = value
    }

    var description: String { "\(Seconds(value * 86_400))" }
}

extension ArchiveView: BusView {
    static let kind = "archive"
    static let query = BusCall.archives
    static let listAbstract = "List the archives with their checkpoints and sizes."

    static var columns: [Output.Column<ArchiveView>] {
        [
            ("archive", \.name), ("up to", \.checkpoint), ("events", \.events),
            ("segments", \.segments), ("bytes", \.storedBytes), ("place", \.archive.place),
            ("problem", { $0.problem ?? "" }),
        ]
    }

    var name: String { archive.name }

    var fields: [Output.Field] {
        [
            ("archive", name), ("place", archive.place), ("endpoint", archive.endpoint),
            ("pattern", archive.pattern ?? "- (the whole log)"),
            ("retention", archive.retentionDays.map(Days.init)), ("created", createdAt),
            ("up to", "position \(checkpoint)"),
            ("holds", "\(events) events in \(segments) segments, \(storedBytes) bytes"),
            ("problem", problem),
        ]
    }
}

extension ArchiveDefinition {
    /// Returns a reader of the archive, which reads its place in this process.
    ///
    /// - Throws: `ArchiveError`, `ObjectStorageError` or `DaybookError` if the place can't be
    ///   reached or has no such archive.
    fileprivate func reader() async throws -> ArchiveReader {
        try await ArchiveReader(name, in: place, endpoint: endpoint)
    }
}

extension Archives {
    struct Create: RepeatableCommand {
        static let abstract = "Create an archive of the log's events, past and future."
        static let discussion = """
            The event store writes the archive. For s3:// it uses its own AWS_ACCESS_KEY_ID \
            and AWS_SECRET_ACCESS_KEY.
            """

        @OptionGroup var call: CallOptions
        @OptionGroup var commandID: CommandIDOption
        @Argument(help: "The name of the archive.") var name: String
        @Option(
            help: """
                The event pattern, as JSON or @FILE. An archive without a pattern gets the whole \
                log, which can be restored from it.
                """)
        var pattern: String?
        @Option(help: "How many days to keep events (default: forever).")
        var retention: Days?
        @Option(
            help: "The place of the archive: a folder, or s3://bucket/prefix.",
            completion: .directory)
        var to: String
        @Option(help: "The URL of the S3-compatible store, http:// or https:// (AWS_ENDPOINT_URL).")
        var s3Endpoint: String?

        func run() async throws {
            let archive = ArchiveDefinition(
                name: name, pattern: try pattern.map(InputFile.pattern),
                retentionDays: retention?.value, place: place, endpoint: s3Endpoint)
            try await sendToBus(BusCall.createArchive, archive, "created archive \(name)")
        }

        /// The place, with an absolute path because the event store may run in another folder.
        private var place: String {
            to.contains("://") || to.isEmpty ? to : URL(filePath: to).standardizedFileURL.path
        }
    }

    struct Show: ProgramCommand {
        static let abstract = "Show an archive's definition, checkpoint and size."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ArchiveView.self) var name: String
        @Flag(help: "List its segments, which this process reads from the archive's place.")
        var segments = false

        func run() async throws {
            struct Shown: Encodable {
                var archive: ArchiveView
                var segments: [ArchiveSegment]?
            }
            let view: ArchiveView = try await call.view(of: name)
            let segments = segments ? try await view.archive.reader().manifest.segments : nil
            let shown = Shown(archive: view, segments: segments)
            try call.show(shown, view.fields)
            guard let segments, !call.json else { return }
            try Output.print("")
            try Output.table(
                segments,
                [
                    ("segment", \.name), ("events", \.events), ("bytes", \.bytes),
                    ("stored", \.storedBytes), ("from", \.firstTime), ("to", \.lastTime),
                ])
        }
    }

    struct Verify: ProgramCommand {
        static let abstract = "Read a whole archive from its place, and check every event."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ArchiveView.self) var name: String

        func run() async throws {
            struct Found: Encodable {
                var archive: String
                var events: Int
                var segments: Int
                var damage: [String]
            }
            let view: ArchiveView = try await call.view(of: name)
            let reader = try await view.archive.reader()
            let found = Found(
                archive: name, events: reader.manifest.events,
                segments: reader.manifest.segments.count, damage: try await damage(in: reader))
            if call.json { try Output.json(found) }
            for line in found.damage where !call.json { try Output.print(line) }
            try require(
                found.damage.isEmpty, .invalid,
                "\(found.damage.count) of \(found.segments) segments are damaged")
            if !call.json {
                try Output.print(
                    "archive \(found.archive): \(found.events) events in "
                        + "\(found.segments) segments, all of them whole")
            }
        }

        private func damage(in archive: ArchiveReader) async throws -> [String] {
            var (bar, done) = (ProgressBar("verify", total: archive.manifest.segments.count), 0)
            defer { bar.end() }
            return try await archive.verify { _ in
                done += 1
                bar.show(done, "segments")
            }.map(\.description)
        }
    }

    struct Delete: RepeatableCommand {
        static let abstract = "Delete an archive; the events written so far stay in its place."

        @OptionGroup var call: CallOptions
        @Argument(nameOf: ArchiveView.self) var name: String
        @OptionGroup var commandID: CommandIDOption

        func run() async throws {
            try await sendToBus(BusCall.deleteArchive, name, "deleted archive \(name)")
        }
    }
}
