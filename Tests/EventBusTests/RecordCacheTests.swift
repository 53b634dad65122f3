import EventSourcing
import TestSupport
import Testing

@testable import EventBus

@Suite struct `Cache of routed events` {
    private var cache = RecordCache()

    /// Returns the events of a chunk, which share its bytes.
    private func chunk(_ positions: ClosedRange<UInt64>, data: String) throws -> [RecordedEvent] {
        let bytes = try positions.flatMap {
            try record(at: $0, stream: "s-1", type: "T", data: data).bytes
        }
        return Array(try RecordSequence(bytes[...]))
    }

    @Test mutating func `Cached event does not keep the chunk that it was read from in memory`()
        throws
    {
        let events = try chunk(1...3, data: "{}")
        cache.insert(events[1], readIn: 0)
        let cached = try #require(cache[2])
        #expect(cached.bytes == events[1].bytes)
        // The bytes of the chunk's second event do not begin at the chunk's first byte.
        #expect(cached.bytes.startIndex == 0 && events[1].bytes.startIndex > 0)
        #expect(cache[1] == nil && cache[3] == nil)
    }

    @Test mutating func `Oldest events leave the cache when it has more than 32 MiB`() throws {
        let data = String(repeating: "x", count: 1 << 19)
        for position in 1...80 as ClosedRange<UInt64> {
            for event in try chunk(position...position, data: data) {
                cache.insert(event, readIn: 0)
            }
        }
        #expect(cache[1] == nil && cache[80] != nil)
        let kept = (1...80 as ClosedRange<UInt64>).count { cache[$0] != nil }
        #expect((60...64).contains(kept), "\(kept) events are kept")
        cache.removeAll()
        #expect(cache[80] == nil)
    }

    @Test mutating func `Event that was read before the cache was emptied is not cached`() throws {
        let events = try chunk(1...2, data: "{}")
        let generation = cache.generation
        cache.insert(events[0], readIn: generation)
        cache.removeAll()
        cache.insert(events[1], readIn: generation)
        #expect(cache[1] == nil && cache[2] == nil)
        cache.insert(events[1], readIn: cache.generation)
        #expect(cache[2] != nil)
    }
}
