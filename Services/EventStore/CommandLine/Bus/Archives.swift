import ArgumentParser
import CommandLine
import EventArchive
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

struct Archives: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Manage copies of events in a folder or in an S3-compatible store.",
        subcommands: [Create.self, List.self, Show.self, Verify.self, Delete.self])
}

/// A number of days on the command line, such as `30` or `30d`.
struct Days: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(_ text: String) {
        let number = text.hasSuffix("d") ? text.dropLast() : text[...]
        guard number.allSatisfy({ $0.isNumber || $0 == "." }), let value = Double(number),
            value.isFinite
        else {
            return nil
        }
        self.value = value
    }

    init?(argument: String) { self.init(argument) }

    var description: String { "\(Seconds(value * 86_400))" }
}

extension CallOptions {
    func archives() async throws -> [ArchiveView] {
        try await withBus { try await $0.query(BusCall.archives, Nothing()) }
    }

    func archive(_ name: String) async throws -> ArchiveView {
        guard let view = try await archives().first(where: { $0.archive.name == name }) else {
            throw DaybookError(.invalid, "there is no archive '\(name)'")
        }
        return view
    }
}

extension ArchiveDefinition {
    /// Runs `body` with a reader of the archive, which reads its place in this process.
    ///
    /// - Throws: `ArchiveError`, `ObjectStorageError` or `DaybookError` if the place can't be
    ///   reached or has no such archive.
    fileprivate func read<Result>(
        _ body: (ArchiveReader) async throws -> Result
    ) async throws -> Result {
        try await body(try await ArchiveReader(name, in: place, endpoint: endpoint))
    }
}

extension Archives {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create an archive of the log's events, past and future.",
            discussion: """
                The event store writes the archive. For s3:// it uses its own AWS_ACCESS_KEY_ID \
                and AWS_SECRET_ACCESS_KEY.
                """)

        @OptionGroup var options: CallOptions
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
                name: name, pattern: try pattern.map(PatternText.read),
                retentionDays: retention?.value, place: place, endpoint: s3Endpoint)
            try await options.command(BusCall.createArchive, archive, "created archive \(name)")
        }

        /// The place, with an absolute path because the event store may run in another folder.
        private var place: String {
            to.contains("://") || to.isEmpty ? to : URL(filePath: to).standardizedFileURL.path
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the archives with their checkpoints and sizes.")

        @OptionGroup var options: CallOptions

        func run() async throws {
            try options.list(
                try await options.archives(),
                ["archive", "up to", "events", "segments", "bytes", "place", "problem"]
            ) { view in
                [
                    view.archive.name, "\(view.checkpoint)", "\(view.events)", "\(view.segments)",
                    "\(view.storedBytes)", view.archive.place, view.problem ?? "",
                ]
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an archive's definition, checkpoint and size.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the archive.", completion: .custom(BusNames.archives))
        var name: String
        @Flag(help: "List its segments, which this process reads from the archive's place.")
        var segments = false

        func run() async throws {
            struct Shown: Encodable {
                var archive: ArchiveView
                var segments: [ArchiveSegment]?
            }
            let view = try await options.archive(name)
            let segments =
                segments ? try await view.archive.read { $0.manifest.segments } : nil
            if options.json { return try Output.json(Shown(archive: view, segments: segments)) }
            Output.fields(Self.fields(view))
            guard let segments else { return }
            print("")
            Output.table(
                ["segment", "events", "bytes", "stored", "from", "to"],
                segments.map { segment in
                    [
                        segment.name, "\(segment.events)", "\(segment.bytes)",
                        "\(segment.storedBytes)", "\(segment.firstTime)", "\(segment.lastTime)",
                    ]
                })
        }

        private static func fields(_ view: ArchiveView) -> [(String, String)] {
            [
                ("archive", view.archive.name), ("place", view.archive.place),
                ("endpoint", view.archive.endpoint ?? "-"),
                ("pattern", view.archive.pattern ?? "- (the whole log)"),
                ("retention", view.archive.retentionDays.map { "\(Days($0))" } ?? "-"),
                ("created", "\(view.createdAt)"), ("up to", "position \(view.checkpoint)"),
                (
                    "holds",
                    "\(view.events) events in \(view.segments) segments, \(view.storedBytes) bytes"
                ),
                ("problem", view.problem ?? "-"),
            ]
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read a whole archive from its place, and check every event.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the archive.", completion: .custom(BusNames.archives))
        var name: String

        func run() async throws {
            struct Found: Encodable {
                var archive: String
                var events: Int
                var segments: Int
                var damage: [String]
            }
            let archive = try await options.archive(name).archive
            let found = try await archive.read { reader in
                let segments = reader.manifest.segments.count
                var bar = ProgressBar("verify", total: segments)
                defer { bar.end() }
                var done = 0
                let damage = try await reader.verify { _ in
                    done += 1
                    bar.show(done, "segments")
                }
                return Found(
                    archive: name, events: reader.manifest.events, segments: segments,
                    damage: damage.map(\.description))
            }
            if options.json {
                try Output.json(found)
            } else {
                for line in found.damage { print(line) }
            }
            guard found.damage.isEmpty else {
                throw DaybookError(
                    .invalid, "\(found.damage.count) of \(found.segments) segments are damaged")
            }
            if !options.json {
                print(
                    "archive \(name): \(found.events) events in \(found.segments) segments, all of "
                        + "them whole")
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an archive; the events written so far stay in its place.")

        @OptionGroup var options: CallOptions
        @Argument(help: "The name of the archive.", completion: .custom(BusNames.archives))
        var name: String

        func run() async throws {
            try await options.command(BusCall.deleteArchive, name, "deleted archive \(name)")
        }
    }
}
