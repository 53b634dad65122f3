import EventSourcing
import TestSupport
import Testing

@testable import EventLog

@Suite struct `Interval durability` {
    @Test func `Crash under interval durability loses only unflushed events`() throws {
        let storage = FaultyStorage()
        var log = try open(storage, durability: .interval)
        for number in 1...10 {
            try log.stage([event(number)])
            try log.commit()
            if number == 6 { try log.flush() }
        }
        #expect(log.head == 10)
        #expect(try open(storage.crashed { false }).head == 6)
        #expect(try open(storage.crashed { true }).head == 10)
        var random = SplitMix(state: 3)
        for _ in 0..<50 {
            let after = try open(storage.crashed { Bool.random(using: &random) })
            #expect((6...10).contains(after.head))
        }
    }
}
