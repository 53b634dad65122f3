import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Dry runs` {
    private let replay = ReplayDefinition(name: "r", queue: "q")
    private var dryRuns = DryRuns()

    @Test mutating func `Plan grows until it is complete, and the next caller starts another`()
        throws
    {
        #expect(try dryRuns.ask(for: replay, at: .zero).isNew)
        var plan = ReplayPlan()
        plan.add(3, [Route(queue: "q", rule: "")])
        plan.add(4, [])
        plan.add(5, [Route(queue: "q", rule: ""), Route(queue: "p", rule: "")])
        #expect((plan.events, plan.first, plan.last) == (2, 3, 5))
        #expect(plan.queues == ["q": 2, "p": 1] && !plan.isComplete && plan.progress == 0)
        dryRuns[replay]?.plan = plan
        #expect(try dryRuns.ask(for: replay, at: .zero) == (plan, false))
        dryRuns[replay]?.plan.isComplete = true
        #expect(try dryRuns.ask(for: replay, at: .zero).plan.isComplete)
        #expect(try dryRuns.ask(for: replay, at: .zero).isNew)
    }

    @Test mutating func `Problem is reported once`() throws {
        _ = try dryRuns.ask(for: replay, at: .zero)
        let problem = ProtocolError(.rejected, "no")
        dryRuns[replay]?.problem = problem
        #expect(throws: problem) { try dryRuns.ask(for: replay, at: .zero) }
        #expect(try dryRuns.ask(for: replay, at: .zero).isNew)
    }

    @Test mutating func `Plan that nobody asks for is dropped`() throws {
        _ = try dryRuns.ask(for: replay, at: .zero)
        _ = try dryRuns.ask(
            for: ReplayDefinition(name: "s", queue: "q"), at: .zero + .seconds(61))
        #expect(dryRuns[replay] == nil)
    }
}
