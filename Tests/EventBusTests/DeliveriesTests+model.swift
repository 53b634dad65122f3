import TestSupport
import Testing

@Suite(.mayBlock) struct `Random deliveries, dead letters and crashes` {
    // The last ones have found faults.
    @Test(arguments: Array(0..<12) + [168, 215, 298, 306, 343] as [UInt64])
    func `Every event is acknowledged once, in order in its group, whatever fails`(
        seed: UInt64
    ) throws {
        var bus = try SimulatedBus(seed: seed)
        for _ in 0..<1_500 { try bus.step() }
        try bus.drain()
        #expect(bus.acknowledged.count == bus.appended)
        for (group, positions) in bus.acknowledgedByGroup {
            #expect(positions == positions.sorted(), "group \(group)")
        }
        // Otherwise the operations were too few to test much.
        #expect(bus.appended > 200 && bus.crashes > 5 && bus.redriven > 5 && bus.repeated > 5)
        #expect(bus.returned > 0)
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `Every event is acknowledged once if groups wait behind dead letters only at times`(
        seed: UInt64
    ) throws {
        var bus = try SimulatedBus(seed: seed, changesAfterDeath: true)
        for _ in 0..<1_500 { try bus.step() }
        try bus.drain()
        #expect(bus.acknowledged.count == bus.appended)
        #expect(bus.appended > 200 && bus.crashes > 5 && bus.redriven > 5 && bus.changes > 5)
    }
}
