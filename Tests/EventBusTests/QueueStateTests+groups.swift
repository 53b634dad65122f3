import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `A group with a dead entry` {
    /// A queue of one group, 1 to 3, whose first has died.
    private func queue(_ change: (inout QueueSettings) -> Void = { _ in }) throws -> Queue {
        let queue = Queue {
            $0.retry.maximumReceives = 1
            change(&$0)
        }
        queue.enqueue(1, 2, 3)
        #expect(queue.reject(try queue.next()))
        return queue
    }

    @Test func `waits, and others flow on`() throws {
        let queue = try queue()
        #expect(queue.changes() == ["died 1 MaximumReceives"])
        queue.enqueue(4)
        queue.enqueue(5, group: 5)
        #expect(queue.received() == [5])
        #expect(queue.state.waitingBehind(group) == 3)
        #expect(queue.state.counts == .init(inFlight: 1, blocked: 3))
        queue.pass(.seconds(100_000))
        #expect(queue.state.waitingBehind(group) == 3)
    }

    @Test func `goes on where entries don't wait`() throws {
        let queue = try queue { $0.waitsBehindDead = false }
        #expect(queue.changes() == ["died 1 MaximumReceives"])
        #expect(queue.received() == [2])
        #expect(queue.state.waitingBehind(group) == nil)
    }

    @Test func `goes on where there are no dead letters`() throws {
        let queue = try queue { $0.hasDeadLetters = false }
        #expect(queue.changes() == ["dropped 1 MaximumReceives"])
        #expect(queue.received() == [2])
    }

    @Test func `is redriven in order`() throws {
        let queue = try queue()
        queue.state.unblock(group)
        #expect(queue.state.counts == .init())
        queue.enqueue(1, 2, 3)
        var order: [UInt64] = []
        while let delivery = queue.receive().first {
            order.append(delivery.entry.sequence)
            #expect(queue.acknowledge(delivery))
        }
        #expect(order == [1, 2, 3])
    }

    @Test func `is blocked again when it is loaded, before its entries or after`() {
        let queue = Queue()
        queue.enqueue(1, 2)
        queue.state.block(group)
        queue.state.block(group)
        queue.enqueue(3)
        #expect(queue.received().isEmpty)
        #expect(queue.state.waitingBehind(group) == 3)
        #expect(queue.state.counts == .init(blocked: 3))
        #expect(queue.state.oldest == nil)
    }

    @Test func `voids the lease when it is blocked from outside`() throws {
        let queue = Queue()
        queue.enqueue(1, 2)
        let delivery = try queue.next()
        queue.state.block(group)
        #expect(!queue.acknowledge(delivery))
        #expect(queue.state.counts == .init(blocked: 2))
    }

    @Test func `keeps its place in the line when it goes on`() {
        let queue = Queue {
            $0.retry.maximumAge = .seconds(60)
            $0.waitsBehindDead = false
        }
        queue.enqueue(1, group: 1)
        queue.now = queue.now + .seconds(30)
        queue.enqueue(2, group: 2)
        queue.enqueue(3, group: 1)
        queue.pass(.seconds(30))
        #expect(queue.received() == [3, 2])
    }
}

@Suite struct `A purge` {
    @Test func `takes what waits, is in flight or delayed, and no more`() {
        let queue = Queue()
        queue.enqueue(1, 2, 7)
        queue.enqueue(3, group: 3)
        queue.enqueue(4, 8, group: 4)
        queue.enqueue(5, group: 5)
        let deliveries = queue.receive(3)
        #expect(deliveries.map(\.entry.sequence) == [1, 3, 4])
        #expect(queue.reject(deliveries[1]))
        queue.state.removeAll(through: 5)
        #expect(queue.state.counts == .init(ready: 2))
        #expect(!queue.acknowledge(deliveries[0]))
        #expect(!queue.acknowledge(deliveries[2]))
        #expect(Set(queue.received()) == [7, 8])
        #expect(queue.changes() == ["retried 3"])
    }

    @Test func `takes what waits behind the dead, who stay`() {
        let queue = Queue()
        queue.state.block(group)
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        queue.state.removeAll(through: 3)
        #expect(queue.state.counts == .init())
        #expect(queue.state.waitingBehind(group) == 0)
        #expect(queue.nextTick() == nil)
    }

    @Test func `leaves the number of a blocked group that has had an entry since`() throws {
        let queue = Queue()
        queue.state.block(group)
        queue.enqueue(1, 2)
        queue.state.removeAll(through: 1)
        #expect(queue.state.waitingBehind(group) == 2)
        #expect(queue.state.counts == .init(blocked: 2))
    }

    @Test func `buries nothing that it takes`() {
        let queue = Queue { $0.retry.maximumReceives = 1 }
        queue.enqueue(1, 3)
        queue.enqueue(2, receives: 1)
        queue.state.removeAll(through: 2)
        #expect(queue.changes() == [])
        #expect(queue.received() == [3])
    }
}

@Suite struct `A queue knows` {
    @Test func `how many entries are where`() {
        let queue = Queue()
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        queue.enqueue(4, 5, 6, group: 4)
        #expect(queue.state.counts == .init(ready: 3, behind: 3))
        let deliveries = queue.receive(2)
        #expect(queue.reject(deliveries[0]))
        #expect(queue.state.counts == .init(ready: 1, inFlight: 1, delayed: 1, behind: 3))
        #expect(queue.state.counts.total == 6)
    }

    @Test func `its oldest entry`() throws {
        let queue = Queue()
        #expect(queue.state.oldest == nil)
        let first = queue.now.log
        queue.enqueue(2)
        queue.now = queue.now + .seconds(1)
        queue.enqueue(1, group: 1)
        #expect(queue.state.oldest == first)
        #expect(queue.acknowledge(try queue.next()))
        #expect(queue.state.oldest == queue.now.log)
    }

    @Test func `when it has something to do`() throws {
        let queue = Queue()
        #expect(queue.nextTick() == nil)
        queue.enqueue(1)
        #expect(queue.nextTick() == .seconds(86_400))
        let delivery = try queue.next()
        #expect(queue.nextTick() == .seconds(30))
        #expect(queue.acknowledge(delivery))
        #expect(queue.nextTick() == nil)
    }
}
