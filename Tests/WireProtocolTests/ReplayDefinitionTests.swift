import EventSourcing
import Testing
import WireProtocol

@Suite struct `Replay definitions` {
    private static let time = Timestamp(microseconds: 0)

    @Test(arguments: [
        ReplayDefinition(name: "r", rules: ["a"]), ReplayDefinition(name: "r", queue: "q"),
        ReplayDefinition(name: "r", since: time, until: time + .seconds(1), queue: "q"),
        ReplayDefinition(name: "r", queue: "q", rate: 0.001, speed: 0.001),
        ReplayDefinition(name: "r", queue: "q", rate: 10_000_000, speed: 1_000_000),
    ])
    func `Valid definition has no fault`(definition: ReplayDefinition) {
        #expect(definition.fault == nil)
    }

    @Test(arguments: [
        ReplayDefinition(name: "", queue: "q"), ReplayDefinition(name: "a b", queue: "q"),
        ReplayDefinition(name: "r"), ReplayDefinition(name: "r", rules: ["a"], queue: "q"),
        ReplayDefinition(name: "r", queue: "q q"),
        ReplayDefinition(name: "r", since: time, until: time, queue: "q"),
        ReplayDefinition(name: "r", queue: "q", rate: 0),
        ReplayDefinition(name: "r", queue: "q", rate: .nan),
        ReplayDefinition(name: "r", queue: "q", rate: 10_000_001),
        ReplayDefinition(name: "r", queue: "q", speed: -1),
        ReplayDefinition(name: "r", queue: "q", speed: .infinity),
    ])
    func `Fault of an invalid definition is one line`(definition: ReplayDefinition) {
        #expect(definition.fault?.isEmpty == false && definition.fault?.contains("\n") == false)
    }

    @Test func `Replay ends when it is completed, cancelled or failed`() {
        #expect([ReplayState.completed, .cancelled, .failed].allSatisfy { $0.isEnd })
        #expect(![ReplayState.starting, .running, .paused].contains { $0.isEnd })
    }
}
