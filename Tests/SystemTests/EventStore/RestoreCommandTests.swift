import EventArchive
import EventLog
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ObjectStorage
import TestSupport
import Testing

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Restore command` {
    private let suite: IntegrationHarness.Suite
    private let archives: String
    private var log: String { suite.home + "/log" }

    /// Makes a log of 3000 events in small segments and archives all of it.
    init() async throws {
        suite = try Suite()
        archives = suite.home + "/archives"
        let writer: ArchiveWriter
        do {
            var log = try EventLog(
                in: FileStorage(folder: suite.home + "/log"), segmentBytes: 64 << 10,
                durability: .none, now: { Timestamp(microseconds: 1_767_225_600_000_000) })
            writer = try await ArchiveWriter(
                in: FolderObjectStorage(folder: archives), name: "all", log: log.id,
                segmentBytes: 100_000)
            for first in stride(from: 0, to: 3000, by: 4) {
                var records: [UInt8] = []
                for number in first..<first + 4 {
                    try NewEvent(
                        stream: try StreamName("s-\(number % 17)"), type: "T",
                        tags: ["number:\(number)"], data: Array(#"{"number":\#(number)}"#.utf8)
                    ).encode(into: &records)
                }
                _ = try log.stage(records.span)
                let committed = try log.commit()
                try await writer.append(RecordSequence(committed[...]))
            }
            try log.close()
        }
        try await writer.seal()
    }

    private func run(_ arguments: String...) throws -> IntegrationHarness.Suite.Run {
        try suite.run(["event-store"] + arguments)
    }

    private func restore(
        _ options: String..., archive: String = "all"
    ) throws -> IntegrationHarness.Suite.Run {
        try suite.run(["event-store", "restore", archive, "--from", archives] + options)
    }

    /// Starts a store on the log and returns its export of all events.
    private func exported() async throws -> String {
        try suite.start("event-store")
        let store = try await suite.eventStore()
        _ = try await store.welcome()
        await store.close()
        let run = try run("export")
        #expect(run.status == 0, "\(run.errors)")
        #expect(suite.terminate("event-store") == 0)
        return run.output
    }

    private func segments() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: log)
            .filter { $0.hasSuffix(".segment") }.sorted()
    }

    @Test func `Restore recreates a deleted log, and the store appends to it`() async throws {
        let before = try await exported()
        #expect(before.split(separator: "\n").count == 3000)
        try FileManager.default.removeItem(atPath: log)
        let dry = try restore("--dry-run")
        #expect(dry.status == 0 && dry.output.hasPrefix("what would be done:\n"), "\(dry)")
        #expect(!FileManager.default.fileExists(atPath: log))
        let elsewhere = try restore("--dry-run", "--home", suite.home + "/new/home")
        #expect(elsewhere.status == 0 && elsewhere.output == dry.output, "\(elsewhere)")
        #expect(!FileManager.default.fileExists(atPath: suite.home + "/new"))
        // Another restoration is under way there.
        try FileManager.default.createDirectory(
            atPath: log + ".restoring", withIntermediateDirectories: false)
        let other = try FileStorage(folder: log + ".restoring")
        let late = try restore()
        #expect(late.status == 69, "\(late)")
        #expect(try restore("--dry-run").output == dry.output)
        #expect(FileManager.default.fileExists(atPath: log + ".restoring"))
        withExtendedLifetime(other) {}
        try FileManager.default.removeItem(atPath: log + ".restoring")
        // An empty folder counts as a missing log. A dry run makes no lock there.
        try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: false)
        #expect(try restore("--dry-run").output == dry.output)
        #expect(try FileManager.default.contentsOfDirectory(atPath: log).isEmpty)
        let restored = try restore()
        #expect(restored.status == 0 && restored.output.hasSuffix(": 3000 events, restored\n"))
        let left = try FileManager.default.contentsOfDirectory(atPath: suite.home)
        #expect(left.contains("log") && !left.contains("log.restoring"))
        let verified = try run("verify")
        #expect(verified.status == 0, "\(verified)")
        #expect(try await exported() == before)

        try suite.start("event-store")
        let store = try await suite.eventStore()
        let event = NewEvent(stream: try StreamName("s-0"), type: "T", data: Array("1".utf8))
        let appended = try await store.append([event])
        #expect(appended.first == 3001 && appended.lastRevision == 177)
        await store.close()
        let refused = try restore()
        #expect(refused.status == 69, "\(refused)")
    }

    @Test func `Restore writes the log where a link leads`() async throws {
        let before = try await exported()
        let disk = suite.home + "/disk"
        try FileManager.default.removeItem(atPath: log)
        try FileManager.default.createSymbolicLink(atPath: log, withDestinationPath: disk)
        let nowhere = try restore()
        #expect(
            nowhere.status == 65
                && nowhere.errors.contains("is a link to a folder that does not exist"),
            "\(nowhere)")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        let restored = try restore()
        #expect(restored.status == 0, "\(restored)")
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: log) == disk)
        #expect(try await exported() == before)
    }

    @Test func `Restore repairs damaged segments and keeps the damaged files`() async throws {
        let before = try await exported()
        let names = try segments()
        #expect(names.count > 5)
        let path = "\(log)/\(names[2])"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[3000] ^= 1
        bytes[20_000] ^= 1
        try bytes.write(to: URL(filePath: path))
        try FileManager.default.removeItem(atPath: "\(log)/\(names[4])")
        #expect(try run("verify").status == 65)

        let restored = try restore("--json")
        #expect(restored.status == 0, "\(restored)")
        #expect(restored.output.contains(#""damaged":["\#(names[2])"]"#), "\(restored)")
        #expect(try Data(contentsOf: URL(filePath: path + ".damaged")) == bytes)
        let verified = try run("verify")
        #expect(verified.status == 0, "\(verified)")
        #expect(try segments() == names)
        let again = try restore()
        #expect(again.output.hasSuffix("3000 events, all of them whole; nothing to restore\n"))
        #expect(try await exported() == before)
    }

    @Test func `Rejected restore prints one line and changes nothing`() async throws {
        let place = try FolderObjectStorage(folder: archives)
        let all = try await ArchiveReader(in: place, name: "all")
        for (name, log) in [("part", all.manifest.log), ("other", EventID.random())] {
            let writer = try await ArchiveWriter(in: place, name: name, log: log, from: 1000)
            for try await event in all.events(from: 1000) { try await writer.append([event]) }
            try await writer.seal()
        }
        let path = "\(log)/\(try segments()[0])"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[64 + 10] ^= 1
        try bytes.write(to: URL(filePath: path))
        let refusals = [
            ("part", 65, "lacks events that must be restored: position 1; nothing was changed\n"),
            ("other", 65, "but this is log \(all.manifest.log)\n"),
            ("none", 65, "there is no archive none\n"),
        ]
        for (archive, status, line) in refusals {
            let run = try restore(archive: archive)
            #expect(run.status == status && run.errors.hasSuffix(line), "\(run)")
            #expect(run.errors.split(separator: "\n").count == 1 && run.output.isEmpty)
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
        try FileManager.default.removeItem(atPath: log)
        let partial = try restore(archive: "part")
        #expect(partial.status == 65 && partial.errors.contains("positions 1-999;"), "\(partial)")
        let left = try FileManager.default.contentsOfDirectory(atPath: suite.home)
        #expect(!left.contains { $0.hasPrefix("log") }, "\(left)")
        let wrong = [
            (["restore", "all"], 64), (["restore", "all", "--from", "ftp://a/b"], 64),
            (["restore", "all", "--from", "/nonexistent"], 65),
        ]
        for (arguments, status) in wrong {
            let run = try suite.run(["event-store"] + arguments)
            #expect(run.status == status, "\(run)")
        }
    }
}
