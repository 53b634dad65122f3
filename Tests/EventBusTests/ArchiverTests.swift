import EventArchive
import EventSourcing
import EventStoreClient
import Foundation
import Logging
import ObjectStorage
import Observability
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import EventBus

/// A clock that the test advances, and a log handler that records warnings.
private final class Surroundings: LogHandler {
    private let time = Mutex(BusTime(running: .zero, log: .now()))
    private let lines = Mutex<[String]>([])

    var now: BusTime { time.withLock(\.self) }
    var warnings: [String] { lines.withLock(\.self) }

    func pass(_ duration: Duration) { time.withLock { $0 = $0 + duration } }

    var logger: Logger { Logger(label: "bus") { _ in self } }

    var logLevel: Logger.Level {
        get { .warning }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        lines.withLock { $0.append("\(event.message): \(event.metadata?["reason"] ?? "")") }
    }
}

/// An archive of a store in this process, with its archiver.
private struct Kept {
    let bus: RunningBus
    let folder = NSTemporaryDirectory() + "daybook-archive-" + UUID().uuidString.prefix(8)
    let surroundings = Surroundings()
    var definition: ArchiveDefinition
    private(set) var archiver: Archiver
    private let timing: ArchiveProgress.Timing

    init(
        pattern: String? = #"{"detail-type": ["T"]}"#, days: Double? = nil,
        timing: ArchiveProgress.Timing = ArchiveProgress.Timing()
    ) async throws {
        bus = try await RunningBus()
        definition = ArchiveDefinition(
            name: "a", pattern: pattern, retentionDays: days, place: folder)
        let log = try await bus.store.welcome().log
        try await definition.make(of: log, in: StorageRoots(["/"]))
        self.timing = timing
        archiver = try Self.archiver(definition, log, bus, surroundings, timing)
    }

    private static func archiver(
        _ definition: ArchiveDefinition, _ log: EventID, _ bus: RunningBus,
        _ surroundings: Surroundings, _ timing: ArchiveProgress.Timing
    ) throws -> Archiver {
        try Archiver(
            ArchiveRow(definition: definition, createdAt: .distantPast, createdBy: ""), of: log,
            in: StorageRoots(["/"]), client: bus.store, logger: surroundings.logger, timing: timing,
            segmentBytes: 4096, now: { surroundings.now })
    }

    /// Replaces the archiver without closing it, as a kill and a restart do.
    mutating func restart() async throws {
        archiver = try Self.archiver(
            definition, try await bus.store.welcome().log, bus, surroundings, timing)
    }

    func runOnce(after duration: Duration = .zero) async {
        surroundings.pass(duration)
        await archiver.runOnce()
    }

    /// Verifies the archive and returns the positions of its events.
    func positions() async throws -> [UInt64] {
        let reader = try await ArchiveReader(
            in: try FolderObjectStorage(folder: folder), name: "a")
        #expect(try await reader.verify().isEmpty)
        return try await reader.events().reduce(into: []) { $0.append($1.position) }
    }

    var view: ArchiveView { get async { await archiver.view } }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

@Suite(.timeLimit(.minutes(10))) struct `Bus archiver` {
    @Test func `Archiver writes matching events after 5 seconds without new ones`() async throws {
        let kept = try await Kept()
        defer { kept.remove() }
        let first = try await kept.bus.append(10)
        try await kept.bus.append(10, type: "Other")
        await kept.runOnce()
        #expect(await kept.view.checkpoint == 0)
        await kept.runOnce(after: .seconds(4.9))
        #expect(try await kept.positions().isEmpty)
        await kept.runOnce(after: .seconds(0.2))
        #expect(try await kept.positions() == Array(first))
        // Events that do not match advance the checkpoint.
        try await kept.bus.append(10, type: "Other")
        await kept.runOnce()
        let view = await kept.view
        #expect(view.checkpoint == 30 && view.events == 10 && view.segments >= 1)
        #expect(await kept.archiver.ruleView.matched == 10)
    }

    @Test func `Archiver writes steadily arriving events every 30 seconds`() async throws {
        let kept = try await Kept()
        defer { kept.remove() }
        for _ in 0..<8 {
            try await kept.bus.append()
            await kept.runOnce(after: .seconds(4))
        }
        #expect(try await kept.positions().isEmpty)
        try await kept.bus.append()
        await kept.runOnce(after: .seconds(4))
        #expect(try await kept.positions() == Array(1...9))
    }

    @Test func `Archive has the bus's own events only if it has no pattern`() async throws {
        let whole = try await Kept(pattern: nil)
        let matching = try await Kept(pattern: #"{"position": [{"numeric": [">", 0]}]}"#)
        defer {
            whole.remove()
            matching.remove()
        }
        for kept in [whole, matching] {
            try await kept.bus.put(QueueDefinition(name: "q"))
            try await kept.bus.append(3)
            await kept.runOnce()
            await kept.runOnce(after: .seconds(5))
        }
        #expect(try await whole.positions() == [1, 2, 3, 4])
        #expect(try await matching.positions() == [2, 3, 4])
    }

    @Test func `Archive contains each event once although the archiver is killed repeatedly`()
        async throws
    {
        var kept = try await Kept()
        defer { kept.remove() }
        var last: UInt64 = 0
        for round in 0..<12 {
            last = try await kept.bus.append(60).upperBound
            await kept.runOnce()
            if round.isMultiple(of: 3) { await kept.runOnce(after: .seconds(5)) }
            try await kept.restart()
        }
        await kept.runOnce()
        await kept.runOnce(after: .seconds(5))
        #expect(try await kept.positions() == Array(1...last))
        #expect(await kept.view.segments > 5)
    }

    @Test func `Archiver deletes events that are older than the retention`() async throws {
        let kept = try await Kept(days: 2)
        defer { kept.remove() }
        try await kept.bus.append(5)
        await kept.runOnce()
        await kept.runOnce(after: .seconds(5))
        await kept.runOnce(after: .seconds(86_400))
        #expect(try await kept.positions() == [1, 2, 3, 4, 5])
        await kept.runOnce(after: .seconds(90_000))
        #expect(try await kept.positions().isEmpty)
        let view = await kept.view
        #expect(view.events == 0 && view.checkpoint == 5 && view.problem == nil)
    }

    @Test func `Archiver logs each problem once while its folder is missing, and then catches up`()
        async throws
    {
        let kept = try await Kept()
        defer { kept.remove() }
        try await kept.bus.append(5)
        await kept.runOnce()
        await kept.runOnce(after: .seconds(5))
        let elsewhere = kept.folder + ".gone"
        try FileManager.default.moveItem(atPath: kept.folder, toPath: elsewhere)
        try await kept.bus.append(200)
        for _ in 0..<8 { await kept.runOnce(after: .seconds(60)) }
        #expect(await kept.view.problem != nil)
        // The archiver may fail to write a segment, and then does not find the archive.
        let warnings = kept.surroundings.warnings
        #expect((1...2).contains(warnings.count) && Set(warnings).count == warnings.count)
        // The archiver does not recreate a missing folder.
        #expect(!FileManager.default.fileExists(atPath: kept.folder))
        try FileManager.default.moveItem(atPath: elsewhere, toPath: kept.folder)
        // The back-off has reached its maximum of 60 seconds.
        await kept.runOnce(after: .seconds(30))
        #expect(try await kept.positions() == Array(1...5))
        await kept.runOnce(after: .seconds(31))
        await kept.runOnce(after: .seconds(5))
        #expect(try await kept.positions() == Array(1...205))
        #expect(await kept.view.problem == nil)
    }

    @Test func `Archiver catches up from an older manifest that was restored`() async throws {
        let kept = try await Kept()
        defer { kept.remove() }
        let path = "\(kept.folder)/a/manifest.jsonl"
        try await kept.bus.append(5)
        await kept.runOnce()
        await kept.runOnce(after: .seconds(5))
        let old = try Data(contentsOf: URL(filePath: path))
        try await kept.bus.append(5)
        await kept.runOnce()
        await kept.runOnce(after: .seconds(5))
        try old.write(to: URL(filePath: path))
        try await kept.bus.append(5)
        for _ in 0..<4 { await kept.runOnce(after: .seconds(5)) }
        #expect(try await kept.positions() == Array(1...15))
    }

    @Test func `Archiver writes nothing and reports a log that is shorter than the archive`()
        async throws
    {
        let kept = try await Kept()
        defer { kept.remove() }
        let writer = try await ArchiveWriter(
            in: try FolderObjectStorage(folder: kept.folder), name: "a",
            log: try await kept.bus.store.welcome().log)
        try await writer.append([], through: 17)
        try await writer.seal()
        try await kept.bus.append(5)
        await kept.runOnce()
        #expect(await kept.view.problem?.contains("up to position 17, but") == true)
        #expect(try await kept.positions().isEmpty)
    }

    @Test func `Archiver writes nothing and reports a log that differs from the archive`()
        async throws
    {
        let kept = try await Kept()
        defer { kept.remove() }
        let other = try await RunningBus()
        try await other.append(5)
        let writer = try await ArchiveWriter(
            in: try FolderObjectStorage(folder: kept.folder), name: "a",
            log: try await kept.bus.store.welcome().log)
        var past: [RecordedEvent] = []
        try await other.store.read(ReadRequest(.all)) { past += $0 }
        try await writer.append(past, through: 5)
        try await writer.seal()
        try await kept.bus.append(9)
        await kept.runOnce()
        #expect(await kept.view.problem?.contains("another event at position 5") == true)
        #expect(try await kept.positions() == Array(1...5))
    }

    @Test func `Archiver writes pending events at once for a reader that needs them`()
        async throws
    {
        var timing = ArchiveProgress.Timing()
        timing.quiet = .seconds(3600)
        let kept = try await Kept(timing: timing)
        defer { kept.remove() }
        let archiver = kept.archiver
        let running = Task { await archiver.run() }
        let last = try await kept.bus.append(100).upperBound
        let reader = try await kept.archiver.reader(through: last)
        #expect(reader.manifest.checkpoint >= last && reader.manifest.events == 100)
        let again = try await kept.archiver.reader(through: last)
        #expect(again.manifest == reader.manifest)
        running.cancel()
        await running.value
        await #expect(throws: CancellationError.self) {
            try await kept.archiver.reader(through: last + 1)
        }
    }

    @Test func `Archiver writes pending events when the archive is deleted or the process stops`()
        async throws
    {
        var timing = ArchiveProgress.Timing()
        timing.quiet = .seconds(3600)
        for isDeleted in [true, false] {
            let kept = try await Kept(timing: timing)
            defer { kept.remove() }
            let archiver = kept.archiver
            let running = Task { await archiver.run() }
            try await kept.bus.append(10)
            while await kept.archiver.ruleView.matched < 10 { try await lookAgainSoon() }
            if isDeleted { kept.archiver.stop() } else { running.cancel() }
            await running.value
            #expect(try await kept.positions() == Array(1...10))
        }
    }
}
