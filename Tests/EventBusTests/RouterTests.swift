import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Event routing` {
    private static let time = Timestamp(microseconds: 1)
    private var router = Router(after: 7)

    private mutating func put(
        _ name: String, type: String = "T", to targets: RuleTarget..., isEnabled: Bool = true
    ) throws {
        let rule = RuleDefinition(
            name: name, pattern: #"{"detail-type":["\#(type)"]}"#, targets: targets,
            isEnabled: isEnabled)
        try router.put(RuleRow(rule: rule, changedAt: Self.time, changedBy: "a"))
    }

    private func event(_ type: String = "T", stream: String = "s-1") throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(stream: try StreamName(stream), type: type, data: []).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    @Test mutating func `Event goes to the queues of all matching rules, to each queue once`()
        throws
    {
        try put("a", to: "q", "p")
        try put("b", to: "p", "n")
        try put("c", type: "Other", to: "o")
        try put("d", to: "o", isEnabled: false)
        let routes = router.route(try event())
        #expect(
            routes == [
                Route(queue: "q", rule: "a"), Route(queue: "p", rule: "a"),
                Route(queue: "n", rule: "b"),
            ])
        let matched = router.views.sorted { $0.rule.name < $1.rule.name }.map(\.matched)
        #expect(matched == [1, 1, 0, 0])
    }

    @Test mutating func `Targets that are no queues get no events`() throws {
        try put("a", to: .archive("x"), "lambda:y", "q")
        #expect(router.route(try event()) == [Route(queue: "q", rule: "a")])
        #expect(router.rules(targeting: "y").isEmpty)
    }

    @Test mutating func `Changed rule keeps its count, and a removed rule matches nothing`()
        throws
    {
        try put("a", to: "q")
        _ = router.route(try event())
        try put("a", type: "Other", to: "p")
        #expect(router.route(try event()).isEmpty)
        #expect(router.views.map(\.matched) == [1])
        #expect(router.rules(targeting: "p").map(\.name) == ["a"])
        router.remove(rule: "a")
        #expect(router.route(try event("Other")).isEmpty)
        #expect(router.views.isEmpty)
    }

    @Test mutating func `Replay goes to its queue, or to the targets of its rules`() throws {
        try put("a", to: "q", "p")
        try put("b", to: "p")
        let toQueue = ReplayDefinition(name: "r", queue: "n")
        let toRules = ReplayDefinition(name: "r", rules: ["b", "a"])
        let event = try event()
        #expect(
            try router.route(event, in: toQueue, matching: nil) == [Route(queue: "n", rule: "")])
        #expect(
            try router.route(event, in: toRules, matching: nil)
                == [Route(queue: "p", rule: "b"), Route(queue: "q", rule: "a")])
        let ofStore = try self.event(stream: "$queue-q")
        #expect(try router.route(ofStore, in: toQueue, matching: nil).isEmpty)
        router.remove(rule: "a")
        #expect(throws: ProtocolError(.notFound, "rule 'a' no longer exists")) {
            try router.route(event, in: toRules, matching: nil)
        }
    }

    @Test mutating func `Callers wait for the position that they need`() {
        let (first, second) = (Waiter(id: 1), Waiter(id: 2))
        router.wait(for: 9, first)
        router.wait(for: 10, second)
        #expect(router.advance(to: 8).isEmpty)
        #expect(router.advance(to: 9) == [first])
        #expect(router.advance(to: 20) == [second])
        #expect(router.advance(to: 21).isEmpty)
        #expect(router.position == 21)
    }

    @Test mutating func `Paused router waits until it resumes`() {
        router.pause()
        #expect(router.isPaused)
        router.waitForResume(Waiter(id: 1))
        #expect(router.resume() == [Waiter(id: 1)])
        #expect(!router.isPaused)
        #expect(router.resume().isEmpty)
    }
}
