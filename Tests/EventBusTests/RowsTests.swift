import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Rows of the tables` {
    @Test(arguments: [
        QueuePhase.unstarted, .live, .filling(through: 0), .filling(through: 1 << 40),
    ])
    func `Phase of a queue is read from the column that it was written to`(phase: QueuePhase) {
        #expect(QueuePhase(column: phase.column) == phase)
    }

    @Test func `Row of a queue reads and writes the queue's counters`() {
        var row = QueueRow(id: 1, definition: QueueDefinition(name: "q"))
        row.acknowledged += 2
        #expect(row.counters.acknowledged == 2 && row.phase == .unstarted && !row.isPaused)
    }
}
