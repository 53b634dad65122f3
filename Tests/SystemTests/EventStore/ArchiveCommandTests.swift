import EventArchive
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ObjectStorage
import TestSupport
import Testing
import WireProtocol

extension IntegrationHarness.Suite {
    /// Runs `body` with a client of the bus, and closes the client.
    func withBus<Result>(_ body: (ServiceClient) async throws -> Result) async throws -> Result {
        let client = try await client(of: "bus")
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    func archive(_ name: String) async throws -> ArchiveView {
        try await withBus { bus in
            let views = try await bus.query(
                BusCall.archives, Nothing(), as: [ArchiveView].self)
            return try #require(views.first { $0.archive.name == name })
        }
    }

    /// Queries the bus until a view satisfies `condition`, and returns that view.
    @discardableResult
    func wait<View: Decodable & Sendable>(
        for call: String, as: [View].Type, until condition: (View) -> Bool
    ) async throws -> View {
        try await withBus { bus in
            while true {
                let views = try await bus.query(call, Nothing(), as: [View].self)
                if let view = views.first(where: condition) { return view }
                try await lookAgainSoon()
            }
        }
    }

    /// Makes the bus archive all events at once: a replay's dry run does so.
    func seal(_ archive: String) async throws {
        try await withBus { bus in
            let replay = ReplayDefinition(name: "dry", archive: archive, queue: "dry")
            while try await !bus.query(
                BusCall.planReplay, replay, as: ReplayPlan.self
            ).isComplete { try await lookAgainSoon() }
        }
    }

    /// Verifies an archive in a folder and returns the positions of its events.
    func positions(in folder: String, _ archive: String) async throws -> [UInt64] {
        let reader = try await ArchiveReader(
            in: try FolderObjectStorage(folder: folder), name: archive)
        #expect(try await reader.verify().isEmpty)
        return try await reader.events().reduce(into: []) { $0.append($1.position) }
    }

    /// Runs a command of the event store that must fail, and returns its error.
    func failure(_ status: Int32, _ arguments: String...) throws -> String {
        let run = try run(["event-store"] + arguments)
        #expect(run.status == status && run.output.isEmpty, "\(arguments): \(run)")
        return run.errors
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Archive commands` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient
    private let folder: String

    init() async throws {
        suite = try Suite()
        folder = suite.home + "/archives"
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    @Test func `Archive commands create, show, verify and delete archives`() async throws {
        try await store.append(0..<6)
        try suite.bus(
            "archives", "create", "odd", "--to", folder, "--pattern", #"{"category": ["odd"]}"#,
            "--retention", "30d")
        try await suite.seal("odd")
        let view = try #require(try suite.bus(ArchiveView.self, "archives", "list").first)
        #expect(view.events == 3 && view.segments == 1 && view.checkpoint >= 6)
        #expect(view.archive.retentionDays == 30 && view.problem == nil)
        let shown = try suite.bus("archives", "show", "odd", "--segments").split(separator: "\n")
        #expect(shown.last?.hasPrefix("0000000000000001-") == true, "\(shown)")
        #expect(
            try suite.bus("archives", "verify", "odd")
                == "archive odd: 3 events in 1 segments, all of them whole\n")
        #expect(try await suite.positions(in: folder, "odd") == [2, 4, 6])

        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder + "/odd")
                .first { $0.hasSuffix(".segment") })
        try Data("damaged".utf8).write(to: URL(filePath: "\(folder)/odd/\(name)"))
        let damaged = try suite.run("event-store", "archives", "verify", "odd")
        #expect(damaged.status == 65 && damaged.output.hasPrefix("odd/\(name) is damaged"))
        #expect(damaged.errors == "event-store: 1 of 1 segments are damaged\n")

        try suite.bus("archives", "delete", "odd")
        #expect(try suite.bus(ArchiveView.self, "archives", "list").isEmpty)
        #expect(FileManager.default.fileExists(atPath: "\(folder)/odd/\(name)"))
        let failure = try suite.failure(65, "archives", "show", "odd")
        let advice = "list them with: event-store archives list"
        #expect(failure == "event-store: there is no archive 'odd'; \(advice)\n")
        let used = try suite.failure(65, "archives", "create", "odd", "--to", folder)
        #expect(used.contains("already has an archive 'odd'"), "\(used)")
        _ = try suite.failure(64, "archives", "create", "x", "--to", folder, "--retention", "soon")
        await store.close()
    }

    @Test func `Archive outside the configured roots is rejected, and the error names the roots`()
        async throws
    {
        let elsewhere = suite.home + "/elsewhere"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/link", withDestinationPath: elsewhere)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/up", withDestinationPath: suite.home)
        for place in [
            elsewhere, suite.home, folder + "/../elsewhere", folder + "s", folder + "/link",
            folder + "/up", folder + "/up/deep", "s3://bucket/x",
        ] {
            let outside = try suite.failure(65, "archives", "create", "x", "--to", place)
            #expect(
                outside.contains("is outside the archive roots (\(folder))"), "\(place): \(outside)"
            )
        }
        #expect(!FileManager.default.fileExists(atPath: elsewhere))
        #expect(!FileManager.default.fileExists(atPath: suite.home + "/x"))
        try suite.bus("archives", "create", "x", "--to", folder + "/deep/er")

        // The store obeys its configuration also for an archive that exists.
        suite.kill("event-store")
        try suite.start(
            "event-store", ["--archive-root", elsewhere, "--archive-root", "s3://bucket/some"])
        try await store.append(0..<3)
        try await suite.wait(for: BusCall.archives, as: [ArchiveView].self) {
            $0.problem?.contains("is outside the archive roots") == true
        }
        try suite.bus("archives", "create", "y", "--to", elsewhere)
        let keys = try suite.failure(65, "archives", "create", "z", "--to", "s3://bucket/some/x")
        #expect(keys.contains("AWS_ACCESS_KEY_ID"), "\(keys)")
        await store.close()
    }

    @Test func `Archive has each event once although the store is killed`() async throws {
        try suite.bus("archives", "create", "all", "--to", folder)
        let store = store
        let appending = Task {
            var number = 0
            while !Task.isCancelled {
                try await store.append(number..<number + 1)
                number += 1
            }
        }
        for _ in 0..<4 {
            let known = try await suite.archive("all").checkpoint
            while try await suite.archive("all").checkpoint < known + 20 {
                try await suite.seal("all")
            }
            // Starts to seal a segment; the kill interrupts it at an unknown point.
            try await suite.withBus { bus in
                _ = try await bus.query(
                    BusCall.planReplay,
                    ReplayDefinition(name: "cut", archive: "all", queue: "dry"), as: ReplayPlan.self
                )
            }
            suite.kill("event-store")
            try suite.start("event-store")
        }
        appending.cancel()
        _ = await appending.result
        let head = try await store.welcome().head
        try await suite.seal("all")
        #expect(try await suite.archive("all").checkpoint >= head)
        let positions = try await suite.positions(in: folder, "all")
        #expect(positions.count >= Int(head) && positions == Array(1...UInt64(positions.count)))
        await store.close()
    }

    /// A store that lost its log, bus and journal gets its queues, rules and archives back.
    @Test func `Stopping a store archives pending events, and restore recreates the store`()
        async throws
    {
        try suite.bus("archives", "create", "all", "--to", folder)
        try suite.makeQueue("q")
        try await store.append(0..<50)
        try await suite.wait(for: BusCall.rules, as: [RuleView].self) {
            $0.rule.name == "archive-all" && $0.matched >= 53
        }
        #expect(suite.terminate("event-store") == 0)
        #expect(try await suite.positions(in: folder, "all") == Array(1...53))
        for name in ["log", "bus", "journal"] {
            try FileManager.default.removeItem(atPath: "\(suite.home)/\(name)")
        }
        try suite.bus("restore", "all", "--from", folder)
        try suite.start("event-store")
        #expect(try suite.queue("q").depth == 50)
        try await store.append(50..<60)
        try await suite.seal("all")
        #expect(try await suite.archive("all").problem == nil)
        #expect(try await suite.positions(in: folder, "all") == Array(1...63))
        await store.close()
    }

    @Test func `Archive in a bucket is replayed, and its failure affects no other`() async throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ObjectStorageTests/Servers/strict_bucket.py")
        let bucket = try Conversation(URL(filePath: "/usr/bin/env"), ["python3", script.path])
        let words = try #require(await bucket.line()).split(separator: " ").map(String.init)
        suite.kill("event-store")
        suite.environment = [
            "AWS_ACCESS_KEY_ID": words[1], "AWS_SECRET_ACCESS_KEY": words[2],
            "DAYBOOK_ARCHIVE_ROOTS": "\(folder),s3://bucket/some,\(words[0])",
        ]
        try suite.start("event-store")
        try await store.append(0..<300)
        let elsewhere = try suite.failure(
            65, "archives", "create", "all", "--to", "s3://bucket/some", "--s3-endpoint",
            "http://127.0.0.1:1")
        #expect(elsewhere.contains("http://127.0.0.1:1 is outside the archive roots"))
        try suite.bus(
            "archives", "create", "all", "--to", "s3://bucket/some", "--s3-endpoint", words[0])
        try suite.bus(
            "replays", "start", "r", "--from-archive", "all", "--to-queue", "q", "--wait")
        #expect(try suite.queue("q").depth == 300)
        #expect(try suite.bus("archives", "verify", "all").hasSuffix("all of them whole\n"))
        bucket.signal(SIGKILL)
        let gone = try suite.failure(69, "archives", "verify", "all")
        #expect(gone.contains("can't get s3://bucket/some/all/manifest.jsonl"), "\(gone)")
        try await store.append(300..<301)
        try await suite.wait(for: BusCall.archives, as: [ArchiveView].self) { $0.problem != nil }
        // Other archives are not affected.
        try suite.bus("archives", "create", "other", "--to", folder)
        try await suite.seal("other")
        #expect(try await suite.archive("other").events > 300)
        await store.close()
    }
}
