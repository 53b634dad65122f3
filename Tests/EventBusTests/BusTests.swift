import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Testing
import WireProtocol
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Event bus` {
    @Test func `Queue delivers the events that its rule matches, in log order`() async throws {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q"))
        try await bus.put(rule: "r", to: "q")
        let wanted = try await bus.append(50, correlation: 1)
        try await bus.append(10, type: "Other", correlation: 1)
        #expect(try await bus.drain("q") == Array(wanted))
        #expect(try await bus.view("q").acknowledged == 50)
    }

    @Test func `Bus enqueues an event once per queue even if several rules match`() async throws {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q"))
        try await bus.put(QueueDefinition(name: "other"))
        try await bus.put(rule: "a", to: "q")
        try await bus.put(rule: "b", to: "q", "other")
        let position = try await bus.append().lowerBound
        #expect(try await bus.drain("q") == [position])
        #expect(try await bus.drain("other") == [position])
    }

    @Test func `Queue starts at the configured end, beginning or position`() async throws {
        let bus = try await RunningBus()
        let old = try await bus.append(5)
        for (name, start) in [
            ("end", QueueStart.end), ("beginning", .beginning), ("position", .position(3)),
            ("future", .position(20)),
        ] {
            try await bus.put(QueueDefinition(name: name, start: start))
            try await bus.put(rule: name, to: name)
        }
        // Positions 6 to 13 are the events that define the queues and rules.
        let new = try await bus.append(10)
        #expect(new == 14...23)
        for queue in ["beginning", "position", "future"] {
            _ = try await bus.wait(for: queue) { !$0.isFilling }
        }
        #expect(try await bus.drain("end") == Array(new))
        #expect(try await bus.drain("beginning") == Array(old) + Array(new))
        #expect(try await bus.drain("position") == [3, 4, 5] + Array(new))
        #expect(try await bus.drain("future") == [20, 21, 22, 23])
    }

    @Test func `Queue starts at the configured time`() async throws {
        let bus = try await RunningBus()
        try await bus.append(3)
        let next = try await bus.append(3)
        let first = try #require(
            try await bus.store.read(ReadRequest(.all, from: next.lowerBound)).events
                .first { _ in true })
        try await bus.put(QueueDefinition(name: "q", start: .time(first.time)))
        try await bus.put(rule: "r", to: "q")
        _ = try await bus.wait(for: "q") { !$0.isFilling }
        let drained = try await bus.drain("q")
        #expect(drained.suffix(3) == Array(next)[...])
    }

    @Test func `Queue is filled from the log without gaps or repeats while events are appended`()
        async throws
    {
        let bus = try await RunningBus()
        // More events than the bus fills in while it holds the router.
        for _ in 1...3 { try await bus.append(1000) }
        try await bus.put(QueueDefinition(name: "q", grouping: .stream, start: .beginning))
        let store = bus.store
        let appending = Task {
            for number in 0..<100 {
                let event = NewEvent(
                    id: EventID(high: 9, low: UInt64(number)), stream: try StreamName("s-1"),
                    type: "T", data: [])
                _ = try await store.append([event])
            }
        }
        try await bus.put(rule: "r", to: "q")
        try await appending.value
        let view = try await bus.wait(for: "q") { !$0.isFilling }
        #expect(view.depth == 3100)
        let consumer = try await store.consumer(of: "q")
        var last: UInt64 = 0
        for _ in 1...100 {
            let delivery = try #require(try await consumer.receive(1, wait: .zero).first)
            #expect(delivery.event.position > last)
            last = delivery.event.position
            try await consumer.acknowledge([delivery.acknowledgement(.acknowledged)])
        }
        await consumer.close()
    }

    @Test func `Queue longer than its window in memory keeps all events across a restart`()
        async throws
    {
        let bus = try await RunningBus(window: 200)
        try await bus.put(QueueDefinition(name: "q", grouping: .unordered))
        try await bus.put(rule: "r", to: "q")
        var wanted: [UInt64] = []
        for _ in 1...5 { wanted += Array(try await bus.append(100)) }
        #expect(try await bus.view("q").depth == 500)
        await bus.stop()
        try await bus.start()
        #expect(try await bus.view("q").depth == 500)
        wanted += Array(try await bus.append(100))
        #expect(try await bus.drain("q") == wanted)
        let view = try await bus.view("q")
        #expect(view.depth == 0 && view.acknowledged == 600)
    }

    @Test func `Bus loses no events when it is stopped during commits`() async throws {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q", grouping: .unordered))
        try await bus.put(rule: "r", to: "q")
        var wanted: [UInt64] = []
        for _ in 1...4 {
            for _ in 1...3 { wanted += Array(try await bus.append(700)) }
            // All are routed; some are being written.
            _ = try await bus.view("q")
            await bus.stop()
            try await bus.start()
        }
        #expect(try await bus.drain("q") == wanted)
    }

    @Test func `Released deliveries are redelivered with a higher receive count, few at first`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q"))
        try await bus.put(rule: "r", to: "q")
        try await bus.append(3)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let first = try await consumer.receive(10)
        #expect(first.count == 3)
        #expect(try await consumer.receive(10, wait: .zero).isEmpty)
        #expect(try await consumer.release() == 3)
        // One of the three may be what stopped the consumer. So it gets only one at first.
        let again = try await consumer.receive(10)
        #expect(again.map(\.event.position) == [first[0].event.position])
        #expect(again[0].receiveCount == 2 && again[0].firstReceivedAt == first[0].firstReceivedAt)
        #expect(try await consumer.receive(10, wait: .milliseconds(100)).isEmpty)
        var last = again[0]
        for lost in first.dropFirst() {
            async let next = consumer.receive(10)
            try await consumer.acknowledge([last.acknowledgement(.acknowledged)])
            let deliveries = try await next
            #expect(deliveries.map(\.event.position) == [lost.event.position])
            last = try #require(deliveries.first)
        }
        await consumer.close()
    }

    @Test func `Bus answers repeated, overlapping and abandoned receives, and then stops`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q"))
        let connection = try await RequestClient(
            endpoint: try await bus.store.busEndpoint(), to: "event-store",
            on: SocketLoop(name: "c"), in: Context())
        // A consumer repeats a receive, crashes, restarts, releases its deliveries and sends
        // another receive.
        for number in UInt64(1)...20 {
            let receives = try [number, number, number, number + 1000].map { token in
                try JSON.data(
                    ReceiveRequest(
                        queue: "q", consumer: "c", token: EventID(high: 1, low: token),
                        maximum: 10, wait: 0.05))
            }
            let release = try JSON.data(ReleaseRequest(queue: "q", consumer: "c"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (call, argument) in receives.map({ (BusCall.receive, $0) })
                    + [(BusCall.release, release)]
                {
                    group.addTask {
                        _ = try await connection.call(call, within: .seconds(30)) { _ in
                            Array(argument)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        await connection.close()
        // A receive that still waits would keep the bus from stopping.
        await bus.stop()
    }

    @Test func `Grouping uses the first path found in the data, else each event is a group`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q", grouping: .paths(["account", "customer.id"])))
        try await bus.put(rule: "r", to: "q")
        for data in [
            #"{"account":"a"}"#, #"{"customer":{"id":"a"}}"#, #"{"customer":{"id":"b"}}"#, "{}",
            "{}", #"{"account":"b","customer":{"id":"a"}}"#,
        ] { try await bus.append(data: data) }
        let first = try await bus.append(0...0).lowerBound - 6
        let consumer = try await bus.store.consumer(of: "q")
        let deliveries = try await consumer.receive(10)
        #expect(deliveries.map { $0.event.position - first } == [0, 2, 3, 4, 6])
        await consumer.close()
    }
}

extension RunningBus {
    fileprivate func append(_ range: ClosedRange<Int>) async throws -> ClosedRange<UInt64> {
        try await append(range.count)
    }
}
