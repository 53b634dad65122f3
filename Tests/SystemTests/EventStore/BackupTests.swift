import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// Runs the commands of the how-to in docs/operations.md, as they stand there.
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Backup how-to` {
    private let suite: IntegrationHarness.Suite
    private let backup: String

    init() throws {
        suite = try Suite()
        backup = suite.home + "/backup"
        suite.environment["BACKUP"] = backup
        try FileManager.default.createDirectory(atPath: backup, withIntermediateDirectories: true)
        try suite.start("event-store")
    }

    /// The commands below a heading of the page, up to the next heading.
    private func commands(below heading: String) throws -> [String] {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../docs/operations.md").standardizedFileURL
        let lines = try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
        let section = lines.drop { $0 != "### \(heading)" }.dropFirst().prefix { $0.first != "#" }
        let commands = section.filter { $0.hasPrefix("    $ ") }.map { String($0.dropFirst(6)) }
        try #require(!commands.isEmpty, "\(heading)")
        return commands
    }

    /// Runs the commands, each of which must succeed, and returns the output of the last.
    private func run(_ commands: some Sequence<String>) throws -> String {
        try commands.reduce("") { _, command in
            let run = try suite.shell(command)
            #expect(run.status == 0, "\(command): \(run)")
            return run.output
        }
    }

    /// Waits until the archive has all events of the log, and returns their number.
    private func archived(_ store: EventStoreClient) async throws -> UInt64 {
        let head = try await store.welcome().head
        let bus = try await suite.client(of: "bus")
        while true {
            let views = try await bus.query(BusCall.archives, Nothing(), as: [ArchiveView].self)
            if try #require(views.first).checkpoint >= head { break }
            try await lookAgainSoon()
        }
        await bus.close()
        return head
    }

    @Test func `Backup of a running store has every archived event of a log with one segment`()
        async throws
    {
        let store = try await suite.eventStore()
        try await store.append(0..<100)
        let commands = try commands(below: "While the store runs")
        _ = try run(commands.prefix(1))
        let first = try await archived(store)
        #expect(try run(commands.dropFirst()).contains(": \(first) events in 1 segments"))
        // Again, with more events.
        try await store.append(100..<200)
        let second = try await archived(store)
        #expect(second == first + 100)
        try FileManager.default.removeItem(atPath: backup + "/restored")
        let verified = try run(commands.dropFirst())
        #expect(verified.contains(": \(second) events in 1 segments, all of them whole"))
        await store.close()
    }

    @Test func `Backup of a stopped store is the whole store`() async throws {
        let store = try await suite.eventStore()
        try await store.append(0..<100)
        try suite.succeed("event-store", "queues", "create", "q")
        #expect(suite.terminate("event-store") == 0)
        let verified = try run(try commands(below: "While the store is stopped"))
        #expect(verified.contains(": 101 events in 1 segments, all of them whole"), "\(verified)")
        #expect(verified.contains("the bus's journal is whole"), "\(verified)")
        // A store that is started on the copy has the events and the queue.
        let other = try Suite()
        for name in ["log", "journal"] {
            try FileManager.default.copyItem(
                atPath: "\(backup)/\(name)", toPath: "\(other.home)/\(name)")
        }
        try other.start("event-store")
        let copy = try await other.eventStore()
        #expect(try await copy.welcome().head == 101)
        #expect(try other.succeed("event-store", "queues", "list").contains("q"))
        await copy.close()
        await store.close()
    }
}
