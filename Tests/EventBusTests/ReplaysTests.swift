import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Replay states` {
    private let time = Timestamp(microseconds: 5)
    private var replays = EventBus.Replays()

    init() {
        replays.add(
            ReplayRow(
                definition: ReplayDefinition(name: "r", queue: "q"), state: .starting,
                startedAt: time, startedBy: "a", first: 0, last: 9, position: 0, delivered: 0))
    }

    @Test func `Active replay is run once at a time`() {
        #expect(replays.takeIdle() == ["r"])
        #expect(replays.takeIdle().isEmpty)
        #expect(replays.stopRunning("r"))
        #expect(replays.takeIdle() == ["r"])
    }

    @Test mutating func `Paused replay stops running, and looks for its window when it resumes`() {
        replays.setState(of: "r", to: .paused, at: time)
        #expect(replays.takeIdle().isEmpty && !replays.stopRunning("r"))
        let beganPaused = replays.begin("r", 2...5)
        #expect(!beganPaused)
        replays.setState(of: "r", to: .running, at: time)
        #expect(replays["r"]?.state == .starting)
        let hasBegun = replays.begin("r", 2...5)
        #expect(hasBegun)
        #expect(replays["r"]?.position == 1 && replays["r"]?.last == 5)
        replays.setState(of: "r", to: .paused, at: time)
        replays.setState(of: "r", to: .running, at: time)
        #expect(replays["r"]?.state == .running)
    }

    @Test mutating func `Progress is committed with the next commit, and only once`() {
        #expect(!replays.hasChanges)
        let hasBegun = replays.begin("r", 2...5)
        #expect(hasBegun)
        replays.advance("r", to: 4, at: .zero)
        #expect(replays.hasChanges)
        #expect(replays.takeChanges()["r"]?.position == 4)
        #expect(!replays.hasChanges)
        #expect(replays.takeChanges().isEmpty)
    }

    @Test mutating func `End of a replay names its progress, or its failure`() {
        let hasBegun = replays.begin("r", 2...5)
        #expect(hasBegun)
        replays.advance("r", to: 5, at: .zero)
        let completed = ReplayEnd(state: .completed, position: 5, delivered: 0, reason: nil)
        #expect(replays.end(of: "r", failure: nil) == completed)
        #expect(replays.end(of: "r", failure: "no")?.state == .failed)
        replays.setState(of: "r", to: .cancelled, at: time)
        #expect(replays.end(of: "r", failure: nil) == nil)
        #expect(replays.views(at: .zero).map(\.endedAt) == [time])
    }

    @Test mutating func `What a replay waits for is reported once and shown until it advances`() {
        let hasBegun = replays.begin("r", 2...5)
        #expect(hasBegun)
        #expect(replays.wait("r", for: "no place"))
        #expect(!replays.wait("r", for: "no place"))
        #expect(replays.views(at: .zero).map(\.reason) == ["no place"])
        replays.advance("r", to: 4, at: .zero)
        #expect(replays.views(at: .zero).map(\.reason) == [nil])
    }
}
