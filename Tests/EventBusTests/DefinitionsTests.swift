import EventSourcing
import EventSourcingTesting
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Bus definitions` {
    private static let anything = #"{"detail-type":[{"exists":true}]}"#
    private static let rule = RuleDefinition(name: "r", pattern: anything, targets: ["q"])
    private static let queue = QueueDefinition(name: "q")
    private static let archive = ArchiveDefinition(name: "a", place: "/tmp/a")
    private static let replay = ReplayDefinition(name: "p", rules: ["r"])

    /// A queue, a rule that targets it, an archive and a replay that is starting.
    private static let all: [Definitions.Event] = [
        .queuePut(queue), .rulePut(rule), .archiveCreated(archive), .replayStarted(replay),
    ]

    /// A command after past events, and the events that it leads to.
    struct Case: CustomTestStringConvertible {
        let past: [Definitions.Event]
        let command: Definitions.Command
        let events: [Definitions.Event]

        init(
            _ past: [Definitions.Event], _ command: Definitions.Command,
            _ events: Definitions.Event...
        ) {
            self.past = past
            self.command = command
            self.events = events
        }

        var testDescription: String { "\(command)" }
    }

    private static func paused(_ name: String, _ isPaused: Bool) -> SetPaused {
        SetPaused(name: name, isPaused: isPaused)
    }

    private static func replayPaused(_ isPaused: Bool) -> SetPaused {
        SetPaused(name: "p", isPaused: isPaused)
    }

    private static func end(_ state: ReplayState) -> ReplayEnd {
        ReplayEnd(state: state, position: 1, delivered: 1, reason: nil)
    }

    private static func with<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
        var value = value
        change(&value)
        return value
    }

    private static let disabled = with(rule) { $0.isEnabled = false }
    private static let slower = with(queue) { $0.visibilityTimeout = 60 }
    private static let early = with(queue) { $0.start = .beginning }
    private static let toNewQueue = ReplayDefinition(name: "p2", queue: "new")

    private static let accepted: [Case] = [
        Case([.queuePut(queue)], .putRule(rule), .rulePut(rule)),
        Case(all, .putRule(disabled), .rulePut(disabled)),
        Case(all, .setRuleEnabled(.init(name: "r", isEnabled: false)), .rulePut(disabled)),
        Case(all, .deleteRule("r"), .named(.ruleDeleted, "r")),
        Case([], .putQueue(queue), .queuePut(queue)),
        Case(all, .putQueue(slower), .queuePut(slower)),
        // No rule has targeted the queue yet.
        Case([.queuePut(queue)], .putQueue(early), .queuePut(early)),
        Case(all, .setQueuePaused(paused("q", true)), .named(.queuePaused, "q")),
        Case(
            all + [.named(.queuePaused, "q")], .setQueuePaused(paused("q", false)),
            .named(.queueResumed, "q")),
        Case(all, .purgeQueue("q"), .named(.queuePurged, "q")),
        Case(all, .deleteQueue("q"), .named(.queueDeleted, "q")),
        Case([], .createArchive(archive), .archiveCreated(archive)),
        Case(all, .deleteArchive("a"), .named(.archiveDeleted, "a")),
        Case(Array(all.prefix(2)), .startReplay(replay), .replayStarted(replay)),
        Case(
            [], .startReplay(toNewQueue), .queuePut(QueueDefinition(name: "new")),
            .replayStarted(toNewQueue)),
        Case(all, .setReplayPaused(replayPaused(true)), .named(.replayPaused, "p")),
        Case(
            all + [.named(.replayPaused, "p")], .setReplayPaused(replayPaused(false)),
            .named(.replayResumed, "p")),
        Case(all, .cancelReplay("p"), .named(.replayCancelled, "p")),
        Case(all, .endReplay("p", end(.completed)), .replayEnded("p", end(.completed))),
    ]

    @Test(arguments: accepted)
    func `Command changes the definitions`(test: Case) throws {
        #expect(try decide(test) == test.events)
        // Each event can happen after those before it.
        var state = Definitions.fold(test.past)
        for event in test.events {
            #expect(Definitions.objection(to: event, given: state) == nil)
            Definitions.evolve(&state, with: event)
        }
    }

    private static let needless: [Case] = [
        Case(all, .putRule(rule)),
        Case(all, .setRuleEnabled(.init(name: "r", isEnabled: true))),
        Case(all, .putQueue(queue)),
        Case(all, .setQueuePaused(paused("q", false))),
        Case(all + [.named(.queuePaused, "q")], .setQueuePaused(paused("q", true))),
        Case(all, .setReplayPaused(replayPaused(false))),
        Case(all + [.named(.replayPaused, "p")], .setReplayPaused(replayPaused(true))),
        Case([], .endReplay("p", end(.failed))),
        Case(all + [.named(.replayCancelled, "p")], .endReplay("p", end(.completed))),
    ]

    @Test(arguments: needless)
    func `Command without effect leads to no event`(test: Case) throws {
        #expect(try decide(test).isEmpty)
    }

    /// A command after past events, and why it is rejected.
    struct Rejected: CustomTestStringConvertible {
        let past: [Definitions.Event]
        let command: Definitions.Command
        let error: DaybookError

        init(
            _ past: [Definitions.Event], _ command: Definitions.Command,
            _ kind: DaybookError.Kind, _ error: String
        ) {
            self.past = past
            self.command = command
            self.error = DaybookError(kind, error)
        }

        var testDescription: String { "\(command)" }
    }

    static let nameForm = "is 1 to 64 letters, digits and . - _, not"
    private static let managed = with(rule) { $0.name = "archive-a" }
    private static let managedError =
        "rule 'archive-a' belongs to archive 'a'; change the archive"
    private static let over = all + [.named(.replayCancelled, "p")]

    private static func pattern(_ text: String) -> RuleDefinition {
        with(rule) { $0.pattern = text }
    }

    private static func unknown(_ kind: String, _ name: String) -> String {
        "there is no \(kind) '\(name)'; list them with: event-store \(kind)s list"
    }

    private static let rejectedRules: [Rejected] = [
        Rejected(
            all, .putRule(with(rule) { $0.name = "" }), .invalid,
            "the name of a rule \(nameForm) ''"),
        Rejected(
            all, .putRule(with(rule) { $0.targets = ["lambda:x"] }), .invalid,
            "the name of a queue \(nameForm) 'lambda:x'"),
        Rejected(
            all, .putRule(with(rule) { $0.targets = [.archive("a")] }), .invalid,
            "the name of a queue \(nameForm) 'archive:a'"),
        Rejected(all, .putRule(managed), .rejected, managedError),
        Rejected(
            all, .putRule(with(rule) { $0.targets = ["q", "x"] }), .notFound,
            "there is no target queue 'x'; create it first"),
        Rejected(
            [.queuePut(QueueDefinition(name: "invoices"))],
            .putRule(with(rule) { $0.targets = ["invoces"] }), .notFound,
            "there is no target queue 'invoces'; did you mean 'invoices'?"),
        Rejected(
            [], .setRuleEnabled(.init(name: "r", isEnabled: true)), .notFound,
            unknown("rule", "r")),
        Rejected(
            all, .setRuleEnabled(.init(name: "archive-a", isEnabled: false)), .rejected,
            managedError),
        Rejected([], .deleteRule("r"), .notFound, unknown("rule", "r")),
        Rejected(all, .deleteRule("archive-a"), .rejected, managedError),
    ]

    private static let rejectedQueues: [Rejected] = [
        Rejected(
            [], .putQueue(QueueDefinition(name: "a b")), .invalid,
            "the name of a queue \(nameForm) 'a b'"),
        Rejected(
            all, .putQueue(with(queue) { $0.grouping = .stream }), .rejected,
            "queue 'q' has grouping correlation and start end, which can't be changed; delete it, "
                + "or create another"),
        Rejected(
            all, .putQueue(early), .rejected,
            "queue 'q' has grouping correlation and start end, which can't be changed; delete it, "
                + "or create another"),
        Rejected([], .setQueuePaused(paused("q", true)), .notFound, unknown("queue", "q")),
        Rejected([], .purgeQueue("q"), .notFound, unknown("queue", "q")),
        Rejected(
            all + [.named(.queueDeleted, "q")], .deleteQueue("q"), .notFound,
            unknown("queue", "q")),
    ]

    private static let rejectedArchives: [Rejected] = [
        Rejected(
            [], .createArchive(with(archive) { $0.retentionDays = 0 }), .invalid,
            "an archive keeps events for 0.001 to 36500 days, not 0.0"),
        Rejected(
            all, .createArchive(archive), .rejected,
            "there is an archive 'a' already; choose another name"),
        Rejected(
            [.rulePut(managed)], .createArchive(archive), .rejected,
            "there is a rule 'archive-a' already, the name that the archive's own rule needs; "
                + "choose another name"),
        Rejected([], .deleteArchive("a"), .notFound, unknown("archive", "a")),
    ]

    private static let rejectedReplays: [Rejected] = [
        Rejected(
            all, .startReplay(ReplayDefinition(name: "x")), .invalid,
            "a replay goes to rules or to a queue: one of them, not both"),
        Rejected(
            all, .startReplay(with(toNewQueue) { $0.archive = "x" }), .notFound,
            unknown("archive", "x")),
        Rejected(
            all, .startReplay(ReplayDefinition(name: "x", rules: ["x"])), .notFound,
            unknown("rule", "x")),
        Rejected(
            all + [.rulePut(disabled)], .startReplay(ReplayDefinition(name: "x", rules: ["r"])),
            .rejected, "rule 'r' is disabled; enable it first"),
        Rejected(
            over, .startReplay(replay), .rejected,
            "there is a replay 'p' already; choose another name"),
        Rejected([], .setReplayPaused(replayPaused(true)), .notFound, unknown("replay", "p")),
        Rejected(
            over, .setReplayPaused(replayPaused(false)), .rejected,
            "replay 'p' is over: CANCELLED"),
        Rejected([], .cancelReplay("p"), .notFound, unknown("replay", "p")),
        Rejected(over, .cancelReplay("p"), .rejected, "replay 'p' is over: CANCELLED"),
    ]

    @Test(arguments: rejectedRules + rejectedQueues + rejectedArchives + rejectedReplays)
    func `Command is rejected with a reason`(test: Rejected) {
        #expect(throws: test.error) {
            try Definitions.decide(test.command, given: Definitions.fold(test.past))
        }
    }

    @Test(
        arguments: [
            .putRule(pattern("{")), .createArchive(with(archive) { $0.pattern = "{" }),
            .startReplay(with(toNewQueue) { $0.pattern = "{" }),
        ] as [Definitions.Command])
    func `Command with an invalid event pattern is rejected`(command: Definitions.Command) {
        #expect {
            try given(Definitions.self, .queuePut(Self.queue)).when(command)
        } throws: { error in
            DaybookError.Kind(of: error) == .invalid && "\(error)".contains("event pattern")
        }
    }

    /// Events that no command leads to, for example of an import.
    @Test(
        arguments: [
            .rulePut(managed), .rulePut(pattern("{")), .named(.ruleDeleted, "x"),
            .named(.queuePaused, "x"),
            .named(.queueResumed, "x"), .named(.queuePurged, "x"), .named(.queueDeleted, "x"),
            .archiveCreated(archive), .queuePut(with(slower) { $0.grouping = .stream }),
            .queuePut(with(slower) { $0.start = .beginning }),
            .archiveCreated(ArchiveDefinition(name: "x", place: "here")),
            .archiveCreated(ArchiveDefinition(name: "x", place: "s4://b")),
            .named(.archiveDeleted, "x"), .replayStarted(replay), .replayStarted(toNewQueue),
            .named(.replayPaused, "x"), .named(.replayResumed, "x"), .named(.replayCancelled, "x"),
            .replayEnded("x", end(.completed)),
        ] as [Definitions.Event])
    func `Event that cannot happen is found in the log`(event: Definitions.Event) {
        #expect(Definitions.objection(to: event, given: Definitions.fold(Self.all)) != nil)
    }

    @Test func `Rule of a later version keeps its unknown targets`() {
        let later = RuleDefinition(
            name: "l", pattern: Self.anything, targets: ["q", "lambda:x"])
        let state = Definitions.fold(Self.all)
        #expect(later.fault(at: 9) == nil)
        #expect(Definitions.objection(to: .rulePut(later), given: state) == nil)
        #expect(Definitions.fold([.rulePut(later)], onto: state).rules["l"] == later)
    }

    @Test func `Queue that no rule has targeted yet can get another start from the log`() {
        let state = Definitions.fold([.queuePut(Self.queue)])
        #expect(Definitions.objection(to: .queuePut(Self.early), given: state) == nil)
        let changed = Definitions.fold([.queuePut(Self.early)], onto: state)
        #expect(changed.queues["q"]?.definition == Self.early)
    }

    @Test func `Queue that is created after its rule has started`() {
        let rulesFirst = Definitions.fold([.rulePut(Self.rule), .queuePut(Self.queue)])
        #expect(rulesFirst.queues["q"]?.hasStarted == true)
        let disabled = Definitions.fold([.rulePut(Self.disabled), .queuePut(Self.queue)])
        #expect(disabled.queues["q"]?.hasStarted == false)
    }

    private func decide(_ test: Case) throws -> [Definitions.Event] {
        try Definitions.decide(test.command, given: Definitions.fold(test.past))
    }
}
