import EventArchive
import EventSourcing
import EventStoreClient
import Foundation
import ObjectStorage
import TestSupport
import Testing
import WireProtocol

extension RunningBus {
    func start(_ replay: ReplayDefinition) async throws {
        _ = try await admin.command(BusCall.startReplay, replay)
    }

    func pause(replay name: String, _ isPaused: Bool) async throws {
        _ = try await admin.command(
            BusCall.setReplayPaused, SetPaused(name: name, isPaused: isPaused))
    }

    /// Waits until the replay fulfils `condition`.
    @discardableResult
    func wait(
        forReplay name: String, until condition: (ReplayView) -> Bool = { $0.state.isEnd }
    ) async throws -> ReplayView {
        while true {
            let views = try await admin.query(
                BusCall.replays, Nothing(), atLeast: try await store.welcome().head,
                as: [ReplayView].self)
            let view = try #require(views.first { $0.replay.name == name })
            if condition(view) { return view }
            try await lookAgainSoon()
        }
    }

    func plan(_ replay: ReplayDefinition) async throws -> ReplayPlan {
        while true {
            let plan = try await admin.query(BusCall.planReplay, replay, as: ReplayPlan.self)
            if plan.isComplete { return plan }
            try await lookAgainSoon()
        }
    }

    func create(_ archive: ArchiveDefinition) async throws {
        _ = try await admin.command(BusCall.createArchive, archive)
    }

    /// Acknowledges all deliveries of the queue, which must be of replay `r`. Returns their
    /// positions.
    func replayed(_ queue: String) async throws -> [UInt64] {
        let consumer = try await store.consumer(of: queue)
        var positions: [UInt64] = []
        while true {
            let deliveries = try await consumer.receive(1000, wait: .zero)
            guard !deliveries.isEmpty else { break }
            #expect(deliveries.allSatisfy { $0.replay == "r" })
            positions += deliveries.map(\.event.position)
            try await consumer.acknowledge(deliveries.map { $0.acknowledgement(.acknowledged) })
        }
        await consumer.close()
        return positions
    }

    func time(of position: UInt64) async throws -> Timestamp {
        let request = ReadRequest(from: position, to: position)
        for try await event in store.read(request).events { return event.time }
        throw CocoaError(.fileReadUnknown)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Replays` {
    private let bus: RunningBus
    private let folder = NSTemporaryDirectory() + "daybook-archive-" + UUID().uuidString.prefix(8)

    init() async throws { bus = try await RunningBus() }

    /// Creates an archive if `isWanted`, and returns its name.
    private func archive(_ isWanted: Bool) async throws -> String? {
        guard isWanted else { return nil }
        try await bus.create(ArchiveDefinition(name: "a", place: folder))
        return "a"
    }

    private func removeFolder() { try? FileManager.default.removeItem(atPath: folder) }

    @Test(arguments: [false, true])
    func `Replay enqueues the matching events from before its start, with its name`(
        isArchived: Bool
    ) async throws {
        defer { removeFolder() }
        let archive = try await archive(isArchived)
        let first = try await bus.append(100)
        try await bus.append(10, type: "Other", stream: "other-1")
        let second = try await bus.append(50)
        let replay = ReplayDefinition(
            name: "r", archive: archive, pattern: #"{"detail-type": ["T"]}"#, queue: "q")
        let plan = try await bus.plan(replay)
        try await bus.start(replay)
        try await bus.append(5)
        let view = try await bus.wait(forReplay: "r")
        #expect(view.state == .completed && view.delivered == 150 && view.reason == nil)
        #expect(view.endedAt != nil && view.startedBy == "tester")
        #expect(view.position == view.last && view.last >= second.upperBound)
        #expect(try await bus.replayed("q") == Array(first) + Array(second))
        #expect(plan.events == 150 && plan.queues == ["q": 150] && plan.progress == 1)
        #expect(plan.first == first.lowerBound && plan.last == second.upperBound)
    }

    @Test(arguments: [false, true])
    func `Replay matches and enqueues events as they were amended`(isArchived: Bool) async throws {
        defer { removeFolder() }
        var positions: [UInt64] = []
        for data in [#"{"n":1}"#, #"{"n":0}"#, #"{"n":1}"#, #"{"n":1}"#] {
            positions.append(try await bus.append(data: data).lowerBound)
        }
        try await bus.amend(positions[0], #"{"n":2}"#)
        try await bus.amend(positions[1], #"{"n":1}"#)
        try await bus.amend(positions[2])
        let archive = try await archive(isArchived)
        try await bus.put(QueueDefinition(name: "q"))
        let replay = ReplayDefinition(
            name: "r", archive: archive, pattern: #"{"detail": {"n": [1]}}"#, queue: "q")
        #expect(try await bus.plan(replay).events == 2)
        try await bus.start(replay)
        #expect(try await bus.wait(forReplay: "r").delivered == 2)
        #expect(try await bus.replayed("q").sorted() == [positions[1], positions[3]])
        guard isArchived else { return }
        // The archive has what was appended, and the events about the amendments.
        let reader = try await ArchiveReader(in: FolderObjectStorage(folder: folder), name: "a")
        var (texts, amendments) = ([String](), 0)
        for try await event in reader.events() {
            #expect(!event.isAmended && !event.isSkipped)
            if event.type == "T" { texts.append(String(decoding: event.data, as: UTF8.self)) }
            if event.category == AmendmentEventType.category { amendments += 1 }
        }
        #expect(texts == [#"{"n":1}"#, #"{"n":0}"#, #"{"n":1}"#, #"{"n":1}"#] && amendments == 3)
    }

    @Test func `Event that is amended while a replay holds it is delivered as amended`()
        async throws
    {
        defer { removeFolder() }
        let positions = Array(try await bus.append(3, data: #"{"n":1}"#))
        try await bus.put(QueueDefinition(name: "q"))
        // The replay reads all three at once, and enqueues the last one after a second.
        try await bus.start(
            ReplayDefinition(name: "r", pattern: #"{"detail": {"n": [1]}}"#, queue: "q", rate: 2))
        try await bus.wait(forReplay: "r") { $0.delivered > 0 }
        try await bus.amend(positions[2], #"{"n":2}"#)
        // The bus has noticed the amendment.
        _ = try await bus.admin.query(
            BusCall.replays, Nothing(), atLeast: try await bus.store.welcome().head,
            as: [ReplayView].self)
        try await bus.wait(forReplay: "r")
        let consumer = try await bus.store.consumer(of: "q")
        let last = try await consumer.receive(10, wait: .zero)
            .filter { $0.event.position == positions[2] }
        // On a slow machine, the replay may have read the event after its amendment.
        for delivery in last {
            #expect(delivery.event.isAmended)
            #expect(String(decoding: delivery.event.data, as: UTF8.self) == #"{"n":2}"#)
        }
        await consumer.close()
    }

    @Test(arguments: [false, true])
    func `Replay to rules enqueues each event once per queue of the named rules`(
        isArchived: Bool
    ) async throws {
        defer { removeFolder() }
        let archive = try await archive(isArchived)
        for queue in ["q", "p", "live"] { try await bus.put(QueueDefinition(name: queue)) }
        let some = try await bus.append(20)
        let others = try await bus.append(20, type: "Other")
        try await bus.put(rule: "a", to: "q")
        try await bus.put(rule: "b", to: "q", "p")
        try await bus.put(rule: "c", type: "Other", to: "q")
        try await bus.put(rule: "unnamed", to: "live")
        _ = try await bus.admin.command(
            BusCall.putRule,
            RuleDefinition(
                name: "no-replays", pattern: #"{"replay-name": [{"exists": false}]}"#,
                targets: ["live"]))
        let replay = ReplayDefinition(
            name: "r", archive: archive, rules: ["a", "b", "c", "no-replays"])
        let plan = try await bus.plan(replay)
        try await bus.start(replay)
        #expect(try await bus.wait(forReplay: "r").delivered == 60)
        #expect(plan.queues == ["q": 40, "p": 20] && plan.events == 40)
        #expect(try await bus.replayed("q") == Array(some) + Array(others))
        #expect(try await bus.replayed("p") == Array(some))
        #expect(try await bus.view("live").depth == 0)
    }

    @Test(arguments: [false, true])
    func `Replay enqueues only the events in its time window`(isArchived: Bool) async throws {
        defer { removeFolder() }
        let archive = try await archive(isArchived)
        var windows: [ClosedRange<UInt64>] = []
        // Each event of a log has its own commit time.
        for _ in 0..<3 { windows.append(try await bus.append(10)) }
        let behind = try await bus.append()
        let replay = ReplayDefinition(
            name: "r", archive: archive, since: try await bus.time(of: windows[1].lowerBound),
            until: try await bus.time(of: behind.lowerBound), queue: "q")
        try await bus.start(replay)
        let view = try await bus.wait(forReplay: "r")
        #expect(view.first == windows[1].lowerBound && view.last == windows[2].upperBound)
        #expect(try await bus.replayed("q") == Array(windows[1]) + Array(windows[2]))
        let nothing = ReplayDefinition(
            name: "n", archive: archive, until: Timestamp(microseconds: 1), queue: "q")
        var emptyPlan = ReplayPlan()
        emptyPlan.isComplete = true
        #expect(try await bus.plan(nothing) == emptyPlan)
        try await bus.start(nothing)
        let empty = try await bus.wait(forReplay: "n")
        #expect(empty.state == .completed && empty.first == 0 && empty.last == 0)
    }

    @Test(arguments: [false, true])
    func `Replay resumes after restarts and enqueues each event once`(
        isArchived: Bool
    ) async throws {
        defer { removeFolder() }
        let archive = try await archive(isArchived)
        let all = try await bus.append(3000)
        try await bus.start(
            ReplayDefinition(name: "r", archive: archive, queue: "q", rate: 2000))
        var done: UInt64 = 0
        for _ in 0..<3 {
            done = try await bus.wait(forReplay: "r") {
                $0.delivered > done + 100 || $0.state.isEnd
            }.delivered
            await bus.stop()
            try await bus.start()
        }
        #expect(try await bus.wait(forReplay: "r").delivered == 3000)
        #expect(try await bus.replayed("q") == Array(all))
    }

    @Test func `Replay stays paused across a restart, resumes, and can be cancelled`()
        async throws
    {
        let all = try await bus.append(1000)
        try await bus.start(ReplayDefinition(name: "r", queue: "q", rate: 100))
        try await bus.wait(forReplay: "r") { $0.delivered > 2 }
        try await bus.pause(replay: "r", true)
        let rested = try await bus.wait(forReplay: "r") { $0.state == .paused }
        await bus.stop()
        try await bus.start()
        let after = try await bus.wait(forReplay: "r") { $0.state == .paused }
        #expect(after.position == rested.position && after.delivered == rested.delivered)
        try await bus.pause(replay: "r", false)
        try await bus.wait(forReplay: "r") { $0.delivered > rested.delivered + 2 }
        _ = try await bus.admin.command(BusCall.cancelReplay, "r")
        let end = try await bus.wait(forReplay: "r")
        #expect(end.state == .cancelled && end.delivered < 1000)
        // The enqueued events stay in the queue, and no others follow.
        #expect(try await bus.replayed("q") == Array(all.prefix(Int(end.delivered))))
        await #expect(throws: ProtocolError(.rejected, "replay 'r' is over: CANCELLED")) {
            try await bus.pause(replay: "r", false)
        }
    }

    @Test func `Replay does not exceed its rate`() async throws {
        try await bus.append(40, type: "Other")
        try await bus.append(20)
        let pattern = #"{"detail": {"x": [{"exists": false}]}, "detail-type": ["T"]}"#
        let started = ContinuousClock.now
        try await bus.start(
            ReplayDefinition(name: "r", pattern: pattern, queue: "q", rate: 40))
        #expect(try await bus.wait(forReplay: "r").delivered == 20)
        #expect(ContinuousClock.now - started >= .milliseconds(475))
    }

    @Test func `Replay fails when its queue or rule is deleted`() async throws {
        try await bus.append(1000)
        for (name, command) in [("q", BusCall.deleteQueue), ("rule", BusCall.deleteRule)] {
            try await bus.put(QueueDefinition(name: "q"))
            try await bus.put(rule: "rule", to: "q")
            try await bus.start(ReplayDefinition(name: name, rules: ["rule"], rate: 100))
            try await bus.wait(forReplay: name) { $0.delivered > 2 }
            _ = try await bus.admin.command(command, name)
            let end = try await bus.wait(forReplay: name)
            #expect(end.state == .failed && end.reason?.hasSuffix("no longer exists") == true)
        }
    }

    @Test func `Replay is rejected if its definition is invalid or its name is taken`()
        async throws
    {
        try await bus.put(QueueDefinition(name: "q"))
        try await bus.put(rule: "off", to: "q")
        _ = try await bus.admin.command(
            BusCall.setRuleEnabled, SetRuleEnabled(name: "off", isEnabled: false))
        try await bus.start(ReplayDefinition(name: "r", queue: "q"))
        for (replay, reason) in [
            (
                ReplayDefinition(name: "x", archive: "none", queue: "q"),
                "there is no archive 'none'"
            ),
            (ReplayDefinition(name: "x", rules: ["none"]), "there is no rule 'none'"),
            (ReplayDefinition(name: "x", rules: ["off"]), "rule 'off' is disabled"),
            (ReplayDefinition(name: "x"), "a replay goes to rules or to a queue"),
            (ReplayDefinition(name: "x y", queue: "q"), "the name of a replay is"),
            (ReplayDefinition(name: "x", pattern: "[]", queue: "q"), "event pattern, line 1"),
            (ReplayDefinition(name: "r", queue: "q"), "there is a replay 'r' already"),
        ] {
            let error = await #expect(throws: ProtocolError.self) { try await bus.start(replay) }
            #expect(error?.message.hasPrefix(reason) == true, "\(String(describing: error))")
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Bus archives` {
    private let folder = NSTemporaryDirectory() + "daybook-archive-" + UUID().uuidString.prefix(8)

    private func views(_ bus: RunningBus) async throws -> [ArchiveView] {
        try await bus.admin.query(BusCall.archives, Nothing())
    }

    @Test func `Archive appears as a managed rule, survives a restart and can be deleted`()
        async throws
    {
        let bus = try await RunningBus()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pattern = #"{ "detail-type": ["T"] }"#
        try await bus.create(ArchiveDefinition(name: "all", place: folder))
        try await bus.create(ArchiveDefinition(name: "some", pattern: pattern, place: folder))
        await bus.stop()
        try await bus.start()
        let rules = try await bus.admin.query(BusCall.rules, Nothing(), as: [RuleView].self)
        #expect(rules.map(\.rule.name) == ["archive-all", "archive-some"])
        #expect(
            rules.map(\.rule.pattern) == [
                #"{"replay-name":[{"exists":false}]}"#,
                #"{"replay-name":[{"exists":false}], "detail-type": ["T"] }"#,
            ])
        #expect(rules.allSatisfy { $0.isManaged && $0.changedBy == "tester" })
        #expect(rules[1].rule.targets == ["archive:some"])
        await #expect(throws: ProtocolError.self) {
            _ = try await bus.admin.command(BusCall.deleteRule, "archive-all")
        }
        _ = try await bus.admin.command(BusCall.deleteArchive, "all")
        #expect(try await views(bus).map(\.archive.name) == ["some"])
        await bus.stop()
        try await bus.start()
        #expect(try await views(bus).map(\.archive.name) == ["some"])
    }

    @Test func `Archive is rejected if its name, pattern or place is unusable`() async throws {
        let bus = try await RunningBus()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await bus.create(ArchiveDefinition(name: "a", place: folder))
        try await bus.append(3)
        // The dry run waits until the events are in the archive.
        _ = try await bus.plan(ReplayDefinition(name: "r", archive: "a", queue: "q"))
        _ = try await bus.admin.command(BusCall.deleteArchive, "a")
        try await bus.create(ArchiveDefinition(name: "b", place: folder))
        let stranger = try await RunningBus()
        for (bus, archive, reason) in [
            (bus, ArchiveDefinition(name: "b", place: "/tmp/x"), "there is an archive 'b' already"),
            (
                bus, ArchiveDefinition(name: "a", place: folder),
                "\(folder) already has an archive 'a'"
            ),
            (
                bus, ArchiveDefinition(name: "x", place: "here"),
                "an archive's folder must be an absolute path"
            ),
            (bus, ArchiveDefinition(name: "x", place: "s4://b"), "'s4://b' is not a place"),
            (bus, ArchiveDefinition(name: "x", pattern: "5", place: folder), "event pattern"),
            (bus, ArchiveDefinition(name: "x y", place: folder), "the name of an archive is"),
            (bus, ArchiveDefinition(name: "x", place: "/dev/null/x"), "can't make folder"),
            (stranger, ArchiveDefinition(name: "a", place: folder), "archive a is of log"),
        ] {
            let error = await #expect(throws: ProtocolError.self) { try await bus.create(archive) }
            #expect(error?.message.hasPrefix(reason) == true, "\(String(describing: error))")
        }
    }
}
