import ServiceRuntime
import Testing

@Suite struct `Position gate` {
    private var gate = PositionGate<String>(at: 7)

    @Test mutating func `Waiters are returned once, when their position is reached`() {
        gate.add("a", for: 9)
        gate.add("b", for: 10)
        #expect(gate.advance(to: 8).isEmpty && gate.position == 8)
        #expect(gate.advance(to: 9) == ["a"])
        #expect(gate.advance(to: 20) == ["b"])
        #expect(gate.advance(to: 21).isEmpty && gate.position == 21)
    }

    @Test mutating func `Waiters are ordered by position, and then by arrival`() {
        for (waiter, position) in [("d", 12), ("a", 9), ("e", 12), ("b", 9), ("c", 11)] {
            gate.add(waiter, for: UInt64(position))
        }
        #expect(gate.advance(to: 11) == ["a", "b", "c"])
        gate.add("f", for: .max)
        #expect(gate.advance(to: 12) == ["d", "e"])
        #expect(gate.advance(to: .max) == ["f"])
    }

    @Test mutating func `Removed waiter is not returned later`() {
        for waiter in ["a", "b", "c"] { gate.add(waiter, for: 9) }
        #expect(gate.remove { $0 == "b" } == "b")
        #expect(gate.remove { $0 == "b" } == nil)
        #expect(gate.advance(to: 9) == ["a", "c"])
    }

    @Test mutating func `Removal of all waiters leaves the position as it is`() {
        gate.add("b", for: 10)
        gate.add("a", for: 9)
        #expect(!gate.isEmpty)
        #expect(gate.removeAll() == ["a", "b"])
        #expect(gate.isEmpty)
        #expect(gate.removeAll().isEmpty && gate.position == 7)
        #expect(gate.advance(to: 20).isEmpty)
    }
}
