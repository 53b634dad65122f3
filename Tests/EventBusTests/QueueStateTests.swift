import EventSourcing
import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Queue deliveries` {
    @Test func `Queue delivers one entry of a group at a time, in order`() throws {
        let queue = Queue()
        queue.enqueue(1, 2, 3)
        for sequence in 1...3 as ClosedRange<UInt64> {
            let delivery = try queue.next()
            #expect(delivery.entry.sequence == sequence)
            #expect(queue.received().isEmpty)
            #expect(queue.acknowledge(delivery))
        }
        #expect(queue.received().isEmpty)
        #expect(queue.changes() == ["done 1", "done 2", "done 3"])
    }

    @Test func `Queue serves groups in the order in which they became ready`() {
        let queue = Queue()
        queue.enqueue(1, 2, 3, group: 1)
        queue.enqueue(4, 5, group: 2)
        queue.enqueue(6, group: 3)
        var order: [UInt64] = []
        while let delivery = queue.receive(1).first {
            order.append(delivery.entry.sequence)
            #expect(queue.acknowledge(delivery))
        }
        #expect(order == [1, 4, 6, 2, 5, 3])
    }

    @Test func `Queue delivers at most the requested number of entries`() {
        let queue = Queue()
        for sequence in 1...5 as ClosedRange<UInt64> { queue.enqueue(sequence, group: sequence) }
        #expect(queue.received(2) == [1, 2])
        #expect(queue.received(0).isEmpty)
        #expect(queue.received(9) == [3, 4, 5])
    }

    @Test func `Delivery carries its receive count and the time of the first receive`() throws {
        let queue = Queue()
        queue.enqueue(1)
        let first = try queue.next()
        #expect(first.entry.receives == 1)
        #expect(first.entry.firstReceivedAt == queue.now.log)
        #expect(queue.fail(first, delay: .seconds(1)))
        queue.pass(.seconds(1))
        let second = try queue.next()
        #expect(second.entry.receives == 2)
        #expect(second.entry.firstReceivedAt == first.entry.firstReceivedAt)
        #expect(second.entry.error == "no")
        #expect(second.entry.notBefore == nil)
        #expect(second.lease != first.lease)
    }

    @Test func `Delivery that was not sent does not count, and comes first again`() throws {
        let queue = Queue { $0.retry.maximumReceives = 1 }
        for sequence in 1...4 as ClosedRange<UInt64> { queue.enqueue(sequence, group: sequence) }
        let deliveries = queue.receive(3)
        #expect(deliveries.dropFirst().reversed().allSatisfy { queue.takeBack($0) })
        #expect(queue.changes() == ["voided 3", "voided 2"])
        // Its lease has ended, so nothing can be done with it.
        #expect(!queue.acknowledge(deliveries[1]))
        #expect(!queue.takeBack(deliveries[1]) && queue.changes().isEmpty)
        let again = queue.receive(9)
        #expect(again.map(\.entry.sequence) == [2, 3, 4])
        #expect(again.map(\.entry.receives) == [1, 1, 1])
        #expect(again.allSatisfy { queue.acknowledge($0) } && queue.acknowledge(deliveries[0]))
    }

    @Test func `Entry that is enqueued late is delivered at its place by sequence`() throws {
        let queue = Queue()
        queue.enqueue(5, 9, 7, 3, 6, 8)
        var order: [UInt64] = []
        while let delivery = queue.receive().first {
            order.append(delivery.entry.sequence)
            if order.count == 2 { queue.enqueue(4) }
            #expect(queue.acknowledge(delivery))
        }
        #expect(order == [3, 5, 4, 6, 7, 8, 9])
    }

    @Test func `Entry that is enqueued repeatedly is delivered once`() throws {
        let queue = Queue()
        queue.enqueue(1, 1)
        let delivery = try queue.next()
        queue.enqueue(1)
        #expect(queue.acknowledge(delivery))
        #expect(queue.state.counts == .init())
    }

    @Test func `Paused queue delivers nothing`() {
        let queue = Queue()
        queue.enqueue(1)
        queue.state.isPaused = true
        #expect(!queue.state.hasReady)
        #expect(queue.received().isEmpty)
        queue.enqueue(2, group: 2)
        queue.state.isPaused = false
        #expect(queue.state.hasReady)
        #expect(queue.received() == [1, 2])
    }
}

@Suite struct `Queue leases` {
    @Test func `Lease is valid once, and only for its own entry`() throws {
        let queue = Queue()
        queue.enqueue(1, group: 1)
        queue.enqueue(2, group: 2)
        let deliveries = queue.receive()
        let (first, second) = (deliveries[0], deliveries[1])
        #expect(!queue.acknowledge(.init(entry: first.entry, lease: second.lease)))
        #expect(!queue.acknowledge(.init(entry: queue.entry(3), lease: first.lease)))
        #expect(queue.acknowledge(first))
        #expect(!queue.acknowledge(first))
        #expect(!queue.fail(first))
        #expect(queue.fail(second))
        #expect(!queue.acknowledge(second))
        #expect(!queue.extend(second))
        #expect(queue.changes() == ["done 1", "retried 2"])
    }

    @Test func `Lease expires after the visibility timeout, and a later one is valid`() throws {
        let queue = Queue { $0.visibilityTimeout = 5 }
        queue.enqueue(1)
        let first = try queue.next()
        #expect(queue.nextTick() == .seconds(5))
        queue.pass(.seconds(5))
        let entry = try #require(queue.state.takeChanges().retried.first)
        #expect(entry.error == "not acknowledged within 5.0 seconds")
        #expect(entry.receives == 1)
        #expect(entry.notBefore == queue.now.running + .milliseconds(500))
        queue.pass(.milliseconds(500))
        let second = try queue.next()
        #expect(!queue.acknowledge(first))
        #expect(queue.acknowledge(second))
    }

    @Test func `Lease lasts for the visibility timeout that the receive asked for`() throws {
        let queue = Queue()
        queue.enqueue(1)
        let delivery = try #require(queue.receive(visibility: .seconds(90)).first)
        queue.pass(.seconds(89))
        #expect(queue.acknowledge(delivery))
    }

    @Test func `Lease can be extended and shortened`() throws {
        let queue = Queue()
        queue.enqueue(1)
        let delivery = try queue.next()
        queue.pass(.seconds(20))
        #expect(queue.extend(delivery))
        #expect(queue.nextTick() == .seconds(30))
        queue.pass(.seconds(29))
        #expect(queue.changes() == [])
        #expect(queue.extend(delivery, by: .milliseconds(10)))
        queue.pass(.milliseconds(10))
        #expect(queue.changes() == ["retried 1"])
        #expect(!queue.acknowledge(delivery))
    }

    @Test func `Releasing a consumer voids its leases and makes its entries ready first`() {
        let queue = Queue()
        for sequence in 1...4 as ClosedRange<UInt64> { queue.enqueue(sequence, group: sequence) }
        let old = queue.receive(2, consumer: "a")
        #expect(queue.received(1, consumer: "b") == [3])
        #expect(queue.state.release(consumer: "a") == 2)
        #expect(queue.state.release(consumer: "a") == 0)
        #expect(!queue.acknowledge(old[0]))
        let again = queue.receive(consumer: "a")
        #expect(again.map(\.entry.sequence) == [1])
        #expect(again.map(\.entry.receives) == [2])
        #expect(again[0].entry.error == "released by a before acknowledgement")
        #expect(queue.changes() == ["retried 2", "retried 1"])
    }

    @Test(arguments: [1, 2, 500, 999, 1_000] as [UInt64], [false, true])
    func `Event that makes its consumers crash becomes a dead letter, and no other event`(
        cause: UInt64, isNamed: Bool
    ) {
        let queue = Queue { $0.afterDeath = .proceed }
        for sequence in 1...1_500 as ClosedRange<UInt64> {
            queue.enqueue(sequence, group: sequence)
        }
        var crashes = 0
        while queue.state.counts.total > 0, crashes < 100 {
            let consumer = isNamed ? "a" : "\(crashes)"
            let deliveries = queue.receive(500, consumer: consumer)
            guard deliveries.contains(where: { $0.entry.sequence == cause }) else {
                for delivery in deliveries {
                    #expect(queue.acknowledge(delivery))
                    #expect(delivery.entry.receives <= 2)
                }
                queue.pass(.seconds(600))
                continue
            }
            crashes += 1
            // A process of another name learns of the crash when the leases expire.
            if isNamed { _ = queue.state.release(consumer: consumer) }
            queue.pass(.seconds(600))
        }
        #expect(
            queue.changes().filter { $0.hasPrefix("died") } == ["died \(cause) MaximumReceives"])
        #expect(crashes < 30)
    }

    /// The consumer dies whenever it has the event 1.
    @Test func `Event that makes consumers crash dies while others keep coming`() {
        let queue = Queue { $0.afterDeath = .proceed }
        var sequence: UInt64 = 0
        var crashes = 0
        var died: [String] = []
        while crashes < 100, died.isEmpty {
            for _ in 0..<10 {
                sequence += 1
                queue.enqueue(sequence, group: sequence)
            }
            let deliveries = queue.receive(10, consumer: "\(crashes)")
            if deliveries.contains(where: { $0.entry.sequence == 1 }) {
                crashes += 1
                queue.pass(.seconds(600))
            } else {
                for delivery in deliveries { #expect(queue.acknowledge(delivery)) }
                queue.pass(.milliseconds(10))
            }
            died += queue.changes().filter { $0.hasPrefix("died") }
        }
        #expect(crashes < 20)
        #expect(died == ["died 1 MaximumReceives"])
    }

    @Test func `Deliveries of a crashed consumer are lost together, whenever their leases expire`()
    {
        let queue = Queue { $0.afterDeath = .proceed }
        for sequence in 1...3 as ClosedRange<UInt64> {
            queue.enqueue(sequence, group: sequence)
            _ = queue.receive(1, consumer: "a")
            queue.pass(.seconds(1))
        }
        queue.pass(.seconds(26))
        for _ in 1...3 { queue.pass(.seconds(1)) }
        #expect(queue.changes() == ["retried 1", "retried 2", "retried 3"])
        queue.pass(.seconds(600))
        for _ in 1...3 {
            let alone = queue.receive(3, consumer: "b")
            #expect(alone.count == 1 && alone[0].entry.receives == 2)
            #expect(alone.allSatisfy { queue.acknowledge($0) })
        }
    }

    @Test func `Consumer without room gets no delivery, and is not woken for one`() throws {
        let queue = Queue()
        for sequence in 1...8 as ClosedRange<UInt64> { queue.enqueue(sequence, group: sequence) }
        _ = queue.receive(8, consumer: "a")
        _ = queue.state.release(consumer: "a")
        let two = queue.receive(8, consumer: "a")
        #expect(two.count == 2)
        #expect(queue.state.hasReady)
        #expect(!queue.mayReceive("a") && queue.state.mayReceive("b"))
        #expect(queue.received(8).isEmpty)
        #expect(queue.received(8, consumer: "b").count == 2)
        #expect(queue.acknowledge(two[0]))
        #expect(queue.mayReceive("a"))
        #expect(queue.received(8).count == 1)
        // Events that were not lost come as always.
        for sequence in 11...18 as ClosedRange<UInt64> { queue.enqueue(sequence, group: sequence) }
        #expect(queue.received(1, consumer: "c").count == 1)
    }

    @Test func `Busy consumer passes lost events over for a while, and then finishes what it has`()
        throws
    {
        let queue = Queue()
        queue.enqueue(10, group: 10)
        let long = queue.receive(visibility: .seconds(3600), consumer: "busy")
        for lost in [1, 2] as [UInt64] { queue.enqueue(lost, group: lost) }
        #expect(queue.received(consumer: "crashed") == [1, 2])
        _ = queue.state.release(consumer: "crashed")
        for other in 11...16 as ClosedRange<UInt64> { queue.enqueue(other, group: other) }
        func next() -> [UInt64] {
            let deliveries = queue.receive(1, consumer: "busy")
            for delivery in deliveries { #expect(queue.acknowledge(delivery)) }
            return deliveries.map(\.entry.sequence)
        }
        #expect(next() == [11])
        queue.pass(.seconds(29))
        #expect(next() == [12])
        queue.pass(.seconds(1))
        #expect(next() == [] && !queue.mayReceive("busy"))
        queue.pass(.seconds(29))
        #expect(next() == [])
        queue.pass(.seconds(1))
        #expect(next() == [13])
        // The next turns are twice as long.
        queue.pass(.seconds(59))
        #expect(next() == [14])
        queue.pass(.seconds(1))
        #expect(next() == [])
        queue.pass(.seconds(59))
        #expect(next() == [])
        // One that has nothing gets them at once.
        #expect(queue.received(1, consumer: "idle") == [1])
        #expect(next() == [15])
        queue.pass(.seconds(10))
        #expect(queue.acknowledge(try #require(long.first)))
        #expect(next() == [2] && next() == [16])
    }

    @Test func `Lease from before a restart is not valid for a later delivery`() throws {
        let queue = Queue()
        queue.enqueue(1)
        let old = try queue.next()
        queue.state = QueueState(settings: queue.state.settings, lastLease: old.lease)
        queue.enqueue(1)
        #expect(queue.received() == [1])
        #expect(!queue.acknowledge(old))
    }
}

extension [QueueState.Change] {
    /// The entries that are to be retried.
    var retried: [QueueEntry] {
        compactMap { if case .retried(let entry) = $0 { entry } else { nil } }
    }
}
