import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Queue groups with a dead letter` {
    /// A queue with one group of entries 1 to 3, of which the first is a dead letter.
    private func queue(_ change: (inout QueueDefinition) -> Void = { _ in }) throws -> Queue {
        let queue = Queue {
            $0.retry.maximumReceives = 1
            change(&$0)
        }
        queue.enqueue(1, 2, 3)
        #expect(queue.fail(try queue.next()))
        return queue
    }

    @Test func `Group waits behind its dead letter while other groups are delivered`() throws {
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

    @Test func `Group continues past a dead letter if the queue does not wait behind it`() throws {
        let queue = try queue { $0.afterDeath = .proceed }
        #expect(queue.changes() == ["died 1 MaximumReceives"])
        #expect(queue.received() == [2])
        #expect(queue.state.waitingBehind(group) == nil)
    }

    @Test func `Queue without dead letters drops the entry, and its group continues`() throws {
        let queue = try queue { $0.hasDeadLetters = false }
        #expect(queue.changes() == ["dropped 1 MaximumReceives"])
        #expect(queue.received() == [2])
    }

    @Test func `Redriven group is delivered in order`() throws {
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

    @Test func `Blocked group holds entries that were enqueued before and after the block`() {
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

    @Test func `Entry in flight stays with its consumer when its group is blocked`() throws {
        let queue = Queue()
        queue.enqueue(1, 2)
        let delivery = try queue.next()
        queue.state.block(group)
        #expect(queue.state.counts == .init(inFlight: 1, blocked: 1))
        #expect(queue.acknowledge(delivery))
        #expect(queue.state.counts == .init(blocked: 1))
        #expect(queue.received().isEmpty)
    }

    @Test func `Failed entry of a blocked group waits until the group is unblocked`() throws {
        let queue = Queue()
        queue.enqueue(1, 2)
        let delivery = try queue.next()
        queue.state.block(group)
        #expect(queue.fail(delivery))
        #expect(queue.state.counts == .init(blocked: 2))
        #expect(queue.nextTick() == nil)
        queue.state.unblock(group)
        queue.enqueue(1, 2)
        #expect(queue.received() == [1])
    }

    @Test func `Group keeps its place when its first entry becomes a dead letter`() {
        let queue = Queue {
            $0.retry.maximumAge = 60
            $0.afterDeath = .proceed
        }
        queue.enqueue(1, group: 1)
        queue.now = queue.now + .seconds(30)
        queue.enqueue(2, group: 2)
        queue.enqueue(3, group: 1)
        queue.pass(.seconds(30))
        #expect(queue.received() == [3, 2])
    }
}

@Suite struct `Queue purges` {
    @Test func `Purge removes waiting, delayed and in-flight entries up to its sequence`() {
        let queue = Queue()
        queue.enqueue(1, 2, 7)
        queue.enqueue(3, group: 3)
        queue.enqueue(4, 8, group: 4)
        queue.enqueue(5, group: 5)
        let deliveries = queue.receive(3)
        #expect(deliveries.map(\.entry.sequence) == [1, 3, 4])
        #expect(queue.fail(deliveries[1]))
        queue.state.removeAll(through: 5)
        #expect(queue.state.counts == .init(ready: 2))
        #expect(!queue.acknowledge(deliveries[0]))
        #expect(!queue.acknowledge(deliveries[2]))
        #expect(Set(queue.received()) == [7, 8])
        #expect(queue.changes() == ["retried 3"])
    }

    @Test func `Purge removes the entries of a blocked group, which stays blocked`() {
        let queue = Queue()
        queue.state.block(group)
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        queue.state.removeAll(through: 3)
        #expect(queue.state.counts == .init())
        #expect(queue.state.waitingBehind(group) == 0)
        #expect(queue.nextTick() == nil)
    }

    @Test func `Purge leaves the count of a blocked group that has a later entry`() throws {
        let queue = Queue()
        queue.state.block(group)
        queue.enqueue(1, 2)
        queue.state.removeAll(through: 1)
        #expect(queue.state.waitingBehind(group) == 2)
        #expect(queue.state.counts == .init(blocked: 2))
    }

    @Test func `Purge makes no dead letters of the entries that it removes`() {
        let queue = Queue { $0.retry.maximumReceives = 1 }
        queue.enqueue(1, 3)
        queue.enqueue(2, receives: 1)
        queue.state.removeAll(through: 2)
        #expect(queue.changes() == [])
        #expect(queue.received() == [3])
    }
}

@Suite struct `Queue counts and next tick` {
    @Test func `Queue counts ready, in-flight, delayed and waiting entries`() {
        let queue = Queue()
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        queue.enqueue(4, 5, 6, group: 4)
        #expect(queue.state.counts == .init(ready: 3, behind: 3))
        let deliveries = queue.receive(2)
        #expect(queue.fail(deliveries[0]))
        #expect(queue.state.counts == .init(ready: 1, inFlight: 1, delayed: 1, behind: 3))
        #expect(queue.state.counts.total == 6)
    }

    @Test func `Queue reports the enqueue time of its oldest entry`() throws {
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

    @Test func `Queue reports when its next tick is due`() throws {
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
