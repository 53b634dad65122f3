import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Segment indexes` {
    @Test func `Missing or damaged index of a sealed segment is rebuilt byte for byte`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let everything = try log.all().map(\.id)
        let indexes = storage.names().filter { $0.hasSuffix(".index") }
        let before = try indexes.map {
            try storage.read($0, at: 0, count: try storage.size(of: $0))
        }
        try storage.remove(indexes[0])
        storage.flip(indexes[1], at: 9)
        storage.flip(indexes[2], at: 90)
        let again = try open(storage)
        #expect(try again.all().map(\.id) == everything)
        let after = try indexes.map {
            try storage.read($0, at: 0, count: try storage.size(of: $0))
        }
        #expect(after == before)
        #expect(try LogVerification(of: storage).faults.isEmpty)
    }

    @Test func `Filters skip most segments without a term and never one that has it`() throws {
        let log = try filled(FaultyStorage())
        var wrong = 0
        for number in 1...60 {
            let id = EventID(high: 7, low: UInt64(number))
            let holding = log.sealed.mayHold(Term(id: id))
            let home = log.sealed.segments.first {
                ($0.base..<$0.nextPosition).contains(UInt64(number))
            }
            #expect(home == nil || holding.contains { $0.base == home?.base })
            wrong += holding.count - (home == nil ? 0 : 1)
        }
        #expect(wrong < 60 * log.sealed.segments.count / 4)
    }
}
