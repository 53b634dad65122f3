import EventSourcing
import TestSupport
import Testing

@testable import ServiceRuntime

@Suite struct `Stopped entities` {
    private func unreadable(_ position: UInt64) throws -> UnreadableEvent {
        UnreadableEvent(
            try record(at: position, stream: "order-a", type: "Changed", data: "{}"), "it is odd")
    }

    @Test func `Entity keeps the first event that can't be read`() throws {
        var stopped = StoppedEntities()
        stopped.stop(["a"], at: try unreadable(3), tags: [])
        stopped.stop(["a", "b"], at: try unreadable(5), tags: [])
        #expect(stopped["a"]?.event.position == 3 && stopped["b"]?.event.position == 5)
        #expect(stopped.count == 2 && stopped.eventCount == 2)
    }

    @Test func `Error of a stopped entity names the event and the way out`() throws {
        var stopped = StoppedEntities()
        let event = try unreadable(3)
        stopped.stop(["a"], at: event, tags: [])
        try stopped.check(["b", "c"])
        let error = #expect(throws: DaybookError.self) { try stopped.check(["b", "a"]) }
        #expect(error?.kind == .unreadable)
        #expect(
            error?.description
                == "a has stopped: event \(event.id) (Changed at position 3 of stream order-a) "
                + "can't be read: it is odd; correct it with 'event-store amend \(event.id) "
                + "--reason TEXT', or run a version that can read it")
    }

    @Test func `Entity keeps a limited number of the tags of its later events`() throws {
        var stopped = StoppedEntities()
        stopped.stop(["a"], at: try unreadable(3), tags: ["order:a"])
        let isOther = stopped.passOver(["b"], tags: ["customer:y"])
        #expect(!isOther)
        for number in 0..<1_000 {
            let isStopped = stopped.passOver(["a"], tags: ["order:a", "customer:\(number)"])
            #expect(isStopped)
        }
        #expect(stopped["a"]?.tags.count == 16 && stopped["a"]?.tags[1] == "customer:0")
        #expect(stopped["b"] == nil)
    }

    @Test func `Entity stops at an event that another stopped entity keeps from it`() throws {
        var stopped = StoppedEntities()
        stopped.stop(["a"], at: try unreadable(3), tags: [])
        let isPassedOver = stopped.passOver(["b", "a"], tags: ["customer:y"])
        #expect(isPassedOver && stopped.count == 2 && stopped.eventCount == 1)
        #expect(stopped["b"]?.event.position == 3 && stopped["b"]?.tags == ["customer:y"])
    }
}
