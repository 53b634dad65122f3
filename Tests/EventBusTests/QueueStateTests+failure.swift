import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Failed queue entries` {
    @Test func `Failed entry is retried after its back-off, before the entries behind it`() throws {
        let queue = Queue()
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        #expect(queue.fail(try queue.next()))
        #expect(queue.state.counts == .init(ready: 1, delayed: 1, behind: 1))
        #expect(queue.received() == [3])
        #expect(queue.nextTick() == .milliseconds(500))
        queue.pass(.milliseconds(499))
        #expect(queue.received().isEmpty)
        queue.pass(.milliseconds(1))
        #expect(queue.received() == [1])
    }

    @Test func `Back-off doubles with each receive up to its maximum`() throws {
        let retry = RetryPolicy(backoff: 1, maximumBackoff: 10)
        let delays = [1, 2, 3, 4, 5, 1_000].map { retry.delay(afterReceives: $0, random: 0) }
        #expect(delays == [500, 1_000, 2_000, 4_000, 5_000, 5_000].map { .milliseconds($0) })
        #expect(retry.delay(afterReceives: 1, random: 0.5) == .milliseconds(750))
        #expect(retry.delay(afterReceives: 0, random: 0) == .milliseconds(500))
    }

    @Test func `Failed entry waits for the delay that its consumer asked for`() throws {
        let queue = Queue()
        queue.enqueue(1)
        #expect(queue.fail(try queue.next(), delay: .seconds(7)))
        #expect(
            queue.state.takeChanges().retried.first?.notBefore == queue.now.running + .seconds(7))
        queue.pass(.seconds(7))
        #expect(queue.received() == [1])
    }

    @Test func `Returned entry is delivered next, and the delivery does not count`() throws {
        let queue = Queue { $0.retry.maximumReceives = 1 }
        queue.enqueue(1, 3)
        queue.enqueue(2, group: 2)
        for _ in 1...3 {
            let delivery = try queue.next()
            #expect(delivery.entry.sequence == 1 && delivery.entry.receives == 1)
            #expect(queue.takeBack(delivery))
            #expect(!queue.takeBack(delivery))
        }
        #expect(queue.changes() == ["voided 1", "voided 1", "voided 1"])
        let entry = try #require(queue.state.entries[1])
        #expect(entry.receives == 0 && entry.firstReceivedAt == nil && entry.error == nil)
        #expect(queue.received() == [1, 2])
    }

    @Test func `Failed entry is retried after an earlier entry that was redriven meanwhile`()
        throws
    {
        let queue = Queue()
        queue.enqueue(5)
        let delivery = try queue.next()
        queue.enqueue(4)
        #expect(queue.fail(delivery, delay: .zero))
        let earlier = try queue.next()
        #expect(earlier.entry.sequence == 4)
        #expect(queue.acknowledge(earlier))
        queue.pass(.zero)
        #expect(queue.received() == [5])
    }

    @Test func `Entry becomes a dead letter at the maximum receive count`() throws {
        let queue = Queue { $0.retry.maximumReceives = 2 }
        queue.enqueue(1)
        #expect(queue.fail(try queue.next(), delay: .zero))
        queue.pass(.zero)
        #expect(queue.fail(try queue.next()))
        let changes = queue.state.takeChanges()
        guard case .deadLettered(let entry, .maximumReceives)? = changes.last else {
            Issue.record("the entry is not a dead letter: \(changes)")
            return
        }
        #expect(entry.receives == 2)
        #expect(entry.error == "no")
        #expect(queue.state.waitingBehind(group) == 0)
    }

    @Test func `Entry that its consumer can't read becomes a dead letter at the first receive`()
        throws
    {
        let queue = Queue()
        queue.enqueue(1, 2)
        queue.enqueue(3, group: 3)
        let delivery = try queue.next()
        #expect(!queue.giveUp(delivery, lease: delivery.lease + 1))
        #expect(queue.giveUp(delivery))
        #expect(!queue.giveUp(delivery))
        let changes = queue.state.takeChanges()
        guard case .deadLettered(let entry, .unreadable)? = changes.last else {
            Issue.record("the entry is not a dead letter: \(changes)")
            return
        }
        #expect(entry.receives == 1 && entry.error == "it is odd" && entry.lease == nil)
        #expect(queue.state.waitingBehind(group) == 1)
        #expect(queue.received() == [3])
    }

    @Test func `Entry behind one that can't be read is delivered if the queue goes on`() throws {
        let queue = Queue { $0.afterDeath = .proceed }
        queue.enqueue(1, 2)
        #expect(queue.giveUp(try queue.next()))
        #expect(queue.received() == [2])
    }

    @Test func `Entry becomes a dead letter when its last lease expires or is released`() {
        let queue = Queue { $0.retry.maximumReceives = 1 }
        queue.enqueue(1, group: 1)
        #expect(queue.received() == [1])
        queue.pass(.seconds(30))
        queue.enqueue(2, group: 2)
        #expect(queue.received() == [2])
        #expect(queue.state.release(consumer: "a") == 1)
        #expect(queue.changes() == ["died 1 MaximumReceives", "died 2 MaximumReceives"])
    }

    @Test func `Entry loaded after its last receive becomes a dead letter undelivered`() throws {
        let queue = Queue { $0.afterDeath = .proceed }
        queue.enqueue(1, receives: 10)
        queue.enqueue(2)
        queue.enqueue(3, receives: 10)
        #expect(queue.changes() == ["died 1 MaximumReceives"])
        let delivery = try queue.next()
        #expect(queue.acknowledge(delivery))
        #expect(queue.changes() == ["done 2", "died 3 MaximumReceives"])
    }

    @Test func `Lowering the maximum receive count turns entries at it into dead letters`() throws {
        let queue = Queue()
        queue.enqueue(2, group: 2)
        queue.enqueue(1, group: 1)
        for delivery in queue.receive(2) { #expect(queue.fail(delivery)) }
        queue.enqueue(3, group: 3)
        #expect(queue.received() == [3])
        #expect(queue.changes() == ["retried 2", "retried 1"])
        queue.state.settings.retry.maximumReceives = 1
        #expect(queue.changes() == ["died 1 MaximumReceives", "died 2 MaximumReceives"])
        #expect(queue.state.counts == .init(inFlight: 1))
    }
}

@Suite struct `Maximum age of queue entries` {
    @Test func `Entries past the maximum age become dead letters, lowest sequence first`() {
        let queue = Queue { $0.retry.maximumAge = 60 }
        queue.enqueue(2, group: 2)
        queue.now = queue.now + .seconds(1)
        queue.enqueue(1, group: 1)
        #expect(queue.nextTick() == .seconds(59))
        queue.pass(.seconds(60))
        #expect(queue.changes() == ["died 1 MaximumAge", "died 2 MaximumAge"])
        #expect(queue.nextTick() == nil)
    }

    @Test func `All entries past the maximum age become dead letters if their group goes on`() {
        let queue = Queue {
            $0.retry.maximumAge = 60
            $0.afterDeath = .proceed
        }
        queue.enqueue(1, 2)
        queue.enqueue(3, 4, group: 2)
        queue.now = queue.now + .seconds(1)
        queue.enqueue(5)
        queue.pass(.seconds(59))
        #expect(queue.changes() == [1, 2, 3, 4].map { "died \($0) MaximumAge" })
        #expect(queue.received() == [5])
    }

    @Test func `Entry that waits for its retry becomes a dead letter at the maximum age`() throws {
        let queue = Queue { $0.retry.maximumAge = 60 }
        queue.enqueue(1)
        #expect(queue.fail(try queue.next(), delay: .seconds(90)))
        #expect(queue.nextTick() == .seconds(60))
        queue.pass(.seconds(60))
        #expect(queue.changes() == ["retried 1", "died 1 MaximumAge"])
    }

    @Test func `Entry in flight can be acknowledged past the maximum age`() {
        let queue = Queue { $0.retry.maximumAge = 10 }
        queue.enqueue(1, group: 1)
        queue.enqueue(2, group: 2)
        let deliveries = queue.receive()
        queue.pass(.seconds(20))
        #expect(queue.acknowledge(deliveries[0]))
        queue.pass(.seconds(10))
        #expect(queue.changes() == ["done 1", "retried 2", "died 2 MaximumAge"])
    }

    @Test func `Entry past both limits becomes a dead letter with cause MaximumReceives`() {
        let queue = Queue {
            $0.retry.maximumAge = 10
            $0.retry.maximumReceives = 1
        }
        queue.enqueue(1)
        #expect(queue.received() == [1])
        queue.pass(.seconds(40))
        #expect(queue.changes() == ["died 1 MaximumReceives"])
    }

    @Test func `Paused queue keeps entries past the maximum age until it is resumed`() {
        let queue = Queue { $0.retry.maximumAge = 60 }
        queue.enqueue(1)
        queue.state.isPaused = true
        #expect(queue.nextTick() == nil)
        queue.pass(.seconds(90))
        #expect(queue.changes() == [])
        queue.state.isPaused = false
        queue.pass(.zero)
        #expect(queue.changes() == ["died 1 MaximumAge"])
    }

    @Test func `Lowering the maximum age turns older entries into dead letters`() {
        let queue = Queue()
        queue.enqueue(1)
        queue.pass(.seconds(60))
        queue.state.settings.retry.maximumAge = 60
        #expect(queue.nextTick() == .zero)
        queue.pass(.zero)
        #expect(queue.changes() == ["died 1 MaximumAge"])
    }
}
