import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ServiceRuntime
import TestSupport
import Testing

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Damaged files` {
    private enum Damage: CaseIterable { case garbage, text, halved, zeroedPages }

    private func damage(_ path: String, _ kind: Damage) throws {
        let url = URL(filePath: path)
        var bytes = try Data(contentsOf: url)
        switch kind {
        case .garbage: bytes = Data(repeating: 0xA5, count: 9_000)
        case .text: bytes = Data("this is no database\n".utf8)
        case .halved: bytes = bytes.prefix(5_000)
        case .zeroedPages: bytes.resetBytes(in: 4_096..<bytes.count)
        }
        try bytes.write(to: url)
    }

    /// A stopped suite with some events.
    private func stopped() async throws -> Suite {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("ann", funds: "100", credit: "50")
        try await suite.place("one", of: "ann", price: 2_000)
        #expect(try await suite.ended("one").status == .confirmed)
        for name in Suite.services + ["event-store"] { #expect(suite.terminate(name) == 0) }
        return suite
    }

    @Test func `Process that starts with a damaged file exits with 65 and names the file`()
        async throws
    {
        let suite = try await stopped()
        let kinds = Damage.allCases
        let bus = "\(suite.home)/bus/bus.sqlite"
        let kept = try Data(contentsOf: URL(filePath: bus))
        for kind in kinds {
            try damage(bus, kind)
            try expectRefusal(of: bus, by: "event-store", suite, "\(kind)")
            try kept.write(to: URL(filePath: bus))
        }
        try suite.start("event-store", ["--rules", Suite.rules])
        var files = 0
        for service in Suite.services {
            for name in ["projection.sqlite", "participant.sqlite"] {
                let path = "\(suite.home)/\(service)/\(name)"
                guard FileManager.default.fileExists(atPath: path) else { continue }
                let kept = try Data(contentsOf: URL(filePath: path))
                try damage(path, kinds[files % kinds.count])
                try expectRefusal(of: path, by: service, suite, "\(kinds[files % kinds.count])")
                try kept.write(to: URL(filePath: path))
                files += 1
            }
        }
        #expect(files >= 9)
        // These files are caches: without them, the services have the same state.
        for service in Suite.services {
            try ProjectedStore.remove("\(suite.home)/\(service)/projection.sqlite")
            try suite.start(service)
        }
        for service in Suite.services { _ = try await suite.status(of: service) }
        let audit = try suite.run("audit", "--compare")
        #expect(audit.status == 0, "\(audit)")
    }

    private func expectRefusal(
        of path: String, by process: String, _ suite: Suite, _ comment: Comment
    ) throws {
        let run = try suite.run([process, "serve"], timeout: 60)
        #expect(run.status == 65, comment)
        let last = run.errors.split(separator: "\n").last ?? ""
        #expect(last.hasPrefix("\(process): \(path) is damaged: "), "\(comment): \(run.errors)")
        #expect(last.contains("remove it"), "\(comment): \(run.errors)")
    }

    @Test func `Service replaces damaged snapshot files`() async throws {
        let suite = try await stopped()
        for service in ["balance", "credit"] {
            try damage("\(suite.home)/\(service)/snapshots.sqlite", .garbage)
            try Data("no database".utf8).write(
                to: URL(filePath: "\(suite.home)/\(service)/past.sqlite"))
        }
        try await suite.startAll()
        #expect(try suite.run("credit", "ann", "5").status == 0)
        let end = try await suite.event(matching: .types(["OrderConfirmed"])).position
        for _ in 1...2 {
            let past = try suite.run("balance", "show", "ann", "--position", "\(end)")
            #expect(past.status == 0, "\(past)")
        }
        for service in Suite.services { #expect(suite.terminate(service) == 0) }
    }

    @Test func `Query with --store exits with 65 and names the damaged file`() async throws {
        let suite = try await stopped()
        for kind in Damage.allCases {
            let path = "\(suite.home)/\(kind).sqlite"
            try FileManager.default.copyItem(
                atPath: "\(suite.home)/balance/projection.sqlite", toPath: path)
            try damage(path, kind)
            let run = try suite.run("balance", "show", "ann", "--store", path)
            #expect(run.status == 65 && run.errors.hasPrefix("balance: \(path) "), "\(run)")
        }
    }

    @Test func `Service exits with 65 when a query finds its store damaged`() async throws {
        let suite = try await stopped()
        try suite.start("event-store", ["--rules", Suite.rules])
        try suite.start("balance")
        _ = try await suite.status(of: "balance")
        let path = "\(suite.home)/balance/projection.sqlite"
        let file = try FileHandle(forUpdating: URL(filePath: path))
        let size = try file.seekToEnd()
        try file.seek(toOffset: 4_096)
        // The page with the statement has not been read yet.
        try file.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - 4_096))
        let run = try suite.run("balance", "statement", "ann")
        #expect(run.status != 0 && run.errors.contains("\(path) is damaged: "), "\(run)")
        #expect(suite.waitForExit(of: "balance") == 65)
        #expect(suite.log(of: "balance").contains("balance: \(path) is damaged: "))
    }
}

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Event store on a failing disk` {
    @Test func `Event store exits with 74 and names the file, and a retried append is stored once`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        let store = try await suite.eventStore()
        func event(_ number: Int) throws -> NewEvent {
            NewEvent(
                stream: try StreamName("s-1"), type: "T",
                data: Array(repeating: UInt8(ascii: "0") + UInt8(number), count: 700_000))
        }
        #expect(try await store.append([event(1)]).last == 1)
        // The bus's journal file is longer than the limit, so it must exist before the limit is
        // set.
        while !FileManager.default.fileExists(
            atPath: "\(suite.home)/journal/1/0000000000000001.segment")
        { try await lookAgainSoon() }
        try limitFileSize(of: try #require(suite.processID(of: "event-store")))
        // The client retries the append under the same id until it is answered.
        let second = try (2...3).map(event)
        let appended = Task { try await store.append(second) }
        #expect(suite.waitForExit(of: "event-store") == 74)
        let said = suite.log(of: "event-store")
        #expect(
            said.contains("event-store: can't write 0000000000000001.segment: File too large\n"),
            "\(said)")
        try suite.start("event-store")
        #expect(try await appended.value.last == 3)
        #expect(try await store.append([event(4)]).last == 4)
        await store.close()
        #expect(suite.terminate("event-store") == 0)
        let verified = try suite.run("event-store", "verify")
        #expect(verified.status == 0 && verified.output.contains(": 4 events in 1"), "\(verified)")
    }

    /// Makes every write of the process beyond the first MiB of a file fail.
    private func limitFileSize(of process: Int32) throws {
        let command = Process()
        command.executableURL = URL(filePath: "/usr/bin/prlimit")
        command.arguments = ["--pid", "\(process)", "--fsize=1048576:unlimited"]
        try command.run()
        command.waitUntilExit()
        try #require(command.terminationStatus == 0)
    }
}
