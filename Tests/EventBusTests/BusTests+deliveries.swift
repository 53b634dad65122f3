import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Testing
import WireProtocol
import ZeroMQ

@Suite(.timeLimit(.minutes(10))) struct `Bus deliveries` {
    private func bus(
        visibilityTimeout: Double = 300, window: Int = 20_000, grouping: Grouping = .correlation
    ) async throws -> RunningBus {
        let bus = try await RunningBus(window: window)
        try await bus.put(
            QueueDefinition(
                name: "q", grouping: grouping, visibilityTimeout: visibilityTimeout,
                retry: RetryPolicy(backoff: 0, maximumBackoff: 0)))
        try await bus.put(rule: "r", to: "q")
        return bus
    }

    @Test(arguments: [nil, "bus", "journal"])
    func `Delivery stays with its consumer across a restart, even without cache or journal`(
        lost: String?
    ) async throws {
        let bus = try await bus()
        let positions = Array(try await bus.append(20))
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let taken = try await consumer.receive(10)
        #expect(taken.count == 10)
        try await consumer.acknowledge(taken.prefix(4).map { $0.acknowledgement(.acknowledged) })
        await bus.stop()
        if let lost { try bus.remove(lost) }
        try await bus.start()
        #expect(try await bus.view("q").inFlight == 6)
        #expect(try await bus.drain("q") == Array(positions.dropFirst(10)))
        // The consumer acknowledges with its old receipts.
        let later = [
            taken[3].acknowledgement(.acknowledged), taken[4].acknowledgement(.acknowledged),
            taken[5].acknowledgement(.extended(.seconds(60))),
            taken[6].acknowledgement(.failed(error: "no", delay: .zero)),
        ]
        #expect(try await consumer.acknowledge(later) == [false, true, true, true])
        let again = try #require(try await consumer.receive(10).first)
        #expect(again.event.position == positions[6])
        #expect(again.receiveCount == 2 && again.firstReceivedAt == taken[6].firstReceivedAt)
        #expect(again.lease > taken[9].lease)
        // The consumer releases the other deliveries.
        #expect(try await consumer.release() == 5)
        var rest: [Delivery] = []
        while case let more = try await consumer.receive(10, wait: .zero), !more.isEmpty {
            rest += more
            try await consumer.acknowledge(more.map { $0.acknowledgement(.acknowledged) })
        }
        #expect(rest.map(\.event.position) == [5, 6, 7, 8, 9].map { positions[$0] })
        // Only the first of several deliveries that were lost together counts.
        #expect(rest.map(\.receiveCount) == [2, 2, 2, 2, 2])
        await consumer.close()
    }

    @Test(arguments: [false, true])
    func `Amended event is delivered with its new data, and a skipped one leaves the queue`(
        isRestarted: Bool
    ) async throws {
        let bus = try await bus()
        let group = Array(try await bus.append(4, correlation: 1, data: "0"))
        let others = Array(try await bus.append(2, data: "0"))
        // Both groups begin with a skipped event.
        for position in [group[0], group[2], others[0]] { try await bus.amend(position) }
        try await bus.amend(group[1], "1")
        if isRestarted { try await bus.restart() }
        #expect(try await bus.view("q").depth == 6)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        var received: [(position: UInt64, data: String)] = []
        while case let taken = try await consumer.receive(1, wait: .zero), !taken.isEmpty {
            received += taken.map {
                ($0.event.position, String(decoding: $0.event.data, as: UTF8.self))
            }
            try await consumer.acknowledge(taken.map { $0.acknowledgement(.acknowledged) })
        }
        #expect(Set(received.map(\.position)) == [group[1], group[3], others[1]])
        #expect(received.first { $0.position == group[1] }?.data == "1")
        #expect(received.filter { $0.position != group[1] }.allSatisfy { $0.data == "0" })
        let view = try await bus.view("q")
        #expect(view.depth == 0 && view.inFlight == 0 && view.deadLetters == 0)
        await consumer.close()

        // A queue that is filled later does not get the skipped events.
        try await bus.put(QueueDefinition(name: "later", start: .beginning))
        try await bus.put(rule: "l", to: "later")
        _ = try await bus.wait(for: "later") { !$0.isFilling && $0.depth > 0 }
        #expect(try await bus.drain("later").sorted() == [group[1], group[3], others[1]])
    }

    @Test func `Receive returns at most 4 MiB, and the rest comes with the next ones`()
        async throws
    {
        let bus = try await bus()
        let data = #"{"x":"\#(String(repeating: "x", count: 900_000))"}"#
        var positions: [UInt64] = []
        for _ in 1...11 { positions += try await bus.append(1, data: data) }
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        #expect(try await bus.view("q").depth == 11)
        var received: [Delivery] = []
        for count in [4, 4, 3] {
            let deliveries = try await consumer.receive(1000)
            #expect(deliveries.count == count)
            received += deliveries
        }
        #expect(received.map(\.event.position) == positions)
        #expect(received.allSatisfy { $0.receiveCount == 1 })
        let acknowledged = received.map { $0.acknowledgement(.acknowledged) }
        #expect(try await consumer.acknowledge(acknowledged) == received.map { _ in true })
        #expect(try await bus.view("q").depth == 0)
        await consumer.close()
    }

    @Test func `Skipped events that would fill an answer do not keep back the event after them`()
        async throws
    {
        let bus = try await bus()
        let data = #"{"x":"\#(String(repeating: "x", count: 900_000))"}"#
        var positions: [UInt64] = []
        for _ in 1...6 { positions += try await bus.append(1, data: data) }
        for position in positions.dropLast() { try await bus.amend(position) }
        #expect(try await bus.view("q").depth == 6)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let received = try await consumer.receive(1000)
        #expect(received.map(\.event.position) == positions.suffix(1))
        #expect(received.first?.receiveCount == 1)
        let view = try await bus.view("q")
        #expect(view.depth == 0 && view.inFlight == 1)
        await consumer.close()
    }

    @Test func `Delivery is redelivered after its visibility timeout, even across restarts`()
        async throws
    {
        let bus = try await bus(visibilityTimeout: 1)
        try await bus.append()
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let first = try #require(try await consumer.receive(1).first)
        for _ in 1...3 { try await bus.restart() }
        var second: Delivery?
        while second == nil { second = try await consumer.receive(1).first }
        #expect(second?.event.position == first.event.position)
        #expect(second?.receiveCount == 2)
        #expect(try await consumer.acknowledge([first.acknowledgement(.acknowledged)]) == [false])
        await consumer.close()
    }

    @Test func `Repeated receive gets the same deliveries after a restart`() async throws {
        let bus = try await bus()
        let positions = Array(try await bus.append(5))
        let connection = try await RequestClient(
            endpoint: try await bus.store.busEndpoint(), to: "event-store",
            on: SocketLoop(name: "c"), in: Context())
        func receive(_ token: UInt64) async throws -> [Delivery] {
            let argument = try JSON.data(
                ReceiveRequest(
                    queue: "q", consumer: "c", token: EventID(high: 1, low: token), maximum: 3,
                    wait: 0))
            return try Delivery.read(
                try await connection.call(BusCall.receive, within: .seconds(30)) { _ in
                    Array(argument)
                })
        }
        let taken = try await receive(1)
        #expect(taken.map(\.event.position) == Array(positions.prefix(3)))
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        try await consumer.acknowledge([taken[0].acknowledgement(.acknowledged)])
        try await bus.restart()
        let again = try await receive(1)
        #expect(again.map(\.event.position) == [positions[1], positions[2]])
        #expect(again.map(\.lease) == [taken[1].lease, taken[2].lease])
        #expect(again.allSatisfy { $0.receiveCount == 1 })
        #expect(try await receive(1).map(\.lease) == again.map(\.lease))
        #expect(try await receive(2).map(\.event.position) == [positions[3], positions[4]])
        await connection.close()
        await consumer.close()
    }

    @Test func `Delivery stays in flight when more entries wait than fit into memory`()
        async throws
    {
        let bus = try await bus(window: 100, grouping: .unordered)
        let positions = Array(try await bus.append(100))
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        // The consumer keeps the last entries in memory and gives back the earlier ones.
        let taken = try await consumer.receive(100)
        try await consumer.acknowledge(
            taken.dropLast(3).map { $0.acknowledgement(.failed(error: "no", delay: .zero)) })
        try await bus.append(50)
        try await bus.restart()
        let view = try await bus.view("q")
        #expect(view.inFlight == 3 && view.depth == 147)
        #expect(
            try await consumer.acknowledge(
                taken.suffix(3).map { $0.acknowledgement(.acknowledged) }) == [
                    true, true, true,
                ])
        #expect(try await bus.drain("q").prefix(97) == positions.prefix(97))
        #expect(try await bus.view("q").acknowledged == 150)
        await consumer.close()
    }

    @Test func `Repeated verdict gets its first answer, and another verdict is too late`()
        async throws
    {
        let bus = try await bus(grouping: .unordered)
        try await bus.append(2)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let taken = try await consumer.receive(2)
        func send(
            _ first: Acknowledgement.Verdict, _ second: Acknowledgement.Verdict
        ) async throws -> [Bool] {
            try await consumer.acknowledge([
                taken[0].acknowledgement(first), taken[1].acknowledgement(second),
            ])
        }
        let failed = Acknowledgement.Verdict.failed(error: "no", delay: .seconds(3600))
        for _ in 1...2 {
            #expect(try await send(.acknowledged, failed) == [true, true])
        }
        #expect(try await send(failed, .acknowledged) == [false, false])
        let view = try await bus.view("q")
        #expect(view.acknowledged == 1 && view.delayed == 1 && view.inFlight == 0)
        await consumer.close()
    }

    @Test func `Repeated verdict writes nothing`() async throws {
        let bus = try await bus(grouping: .unordered)
        try await bus.append(10)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let verdicts = try await consumer.receive(10).map { $0.acknowledgement(.acknowledged) }
        #expect(try await consumer.acknowledge(verdicts).allSatisfy { $0 })
        let before = try bus.journal()
        for _ in 1...5 {
            #expect(try await consumer.acknowledge(verdicts).allSatisfy { $0 })
        }
        #expect(try bus.journal() == before)
        #expect(verdicts.count == 10 && !before.isEmpty)
        await consumer.close()
    }

    @Test func `Returned delivery is redelivered at once and does not count, across a restart`()
        async throws
    {
        let bus = try await RunningBus()
        try await bus.put(QueueDefinition(name: "q", retry: RetryPolicy(maximumReceives: 2)))
        try await bus.put(rule: "r", to: "q")
        let position = try await bus.append().lowerBound
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        for _ in 1...5 {
            let delivery = try #require(try await consumer.receive(1).first)
            #expect(delivery.receiveCount == 1 && delivery.event.position == position)
            let returned = delivery.acknowledgement(.returned)
            for _ in 1...2 { #expect(try await consumer.acknowledge([returned]) == [true]) }
            let late = delivery.acknowledgement(.acknowledged)
            #expect(try await consumer.acknowledge([late]) == [false])
        }
        try await bus.restart()
        let view = try await bus.view("q")
        #expect(view.depth == 1 && view.inFlight == 0 && view.deadLetters == 0)
        #expect(try await consumer.receive(1).first?.receiveCount == 1)
        await consumer.close()
    }

    @Test func `Each event is delivered once while the journal is compacted`() async throws {
        let bus = try await RunningBus(journalBytes: 0)
        // No lease may expire while a slow machine compacts.
        try await bus.put(
            QueueDefinition(name: "q", grouping: .unordered, visibilityTimeout: 3600))
        try await bus.put(rule: "r", to: "q")
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let kept = try await { () async throws -> Delivery? in
            try await bus.append()
            return try await consumer.receive(1).first
        }()
        var (wanted, taken): ([UInt64], [UInt64]) = ([], [])
        while try bus.names(in: "journal") != ["2"] {
            wanted += Array(try await bus.append(10))
            for delivery in try await consumer.receive(10) {
                taken.append(delivery.event.position)
                #expect(
                    try await consumer.acknowledge([delivery.acknowledgement(.acknowledged)]) == [
                        true
                    ])
            }
        }
        try await bus.restart()
        #expect(try bus.names(in: "journal") == ["2"])
        #expect(taken.sorted() + (try await bus.drain("q")) == wanted)
        #expect(
            try await consumer.acknowledge([try #require(kept).acknowledgement(.acknowledged)]) == [
                true
            ])
        await consumer.close()
    }

    @Test(arguments: [3600, -3600])
    func `Clock jump neither repeats nor delays a delivery`(seconds: Int) async throws {
        let bus = try await bus()
        let positions = Array(try await bus.append(4))
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        let taken = try await consumer.receive(2, visibilityTimeout: .seconds(300))
        let short = try await consumer.receive(1, visibilityTimeout: .milliseconds(200))
        let failed = try await consumer.receive(1)
        try await consumer.acknowledge([
            failed[0].acknowledgement(.failed(error: "no", delay: .milliseconds(200)))
        ])
        bus.clock.jump(.seconds(seconds))
        // The one that was lost beside two others comes alone.
        let others = [
            try await bus.store.consumer(of: "q", named: "d"),
            try await bus.store.consumer(of: "q", named: "e"),
        ]
        var again: [Delivery] = []
        while again.count < 2 { for other in others { again += try await other.receive(10) } }
        #expect(Set(again.map(\.event.position)) == Set(positions.suffix(2)))
        #expect(short.map(\.event.position) + failed.map(\.event.position) == positions.suffix(2))
        try await bus.restart()
        #expect(try await bus.view("q").inFlight == 4)
        #expect(
            try await consumer.acknowledge(
                (taken + again).map { $0.acknowledgement(.acknowledged) }) == [
                    true, true, true, true,
                ])
        #expect(try await bus.deadLetters().isEmpty)
        for consumer in others + [consumer] { await consumer.close() }
    }

    @Test func `Acknowledgements that are too long for one call are sent in several`()
        async throws
    {
        let bus = try await bus()
        try await bus.append(300)
        let consumer = try await bus.store.consumer(of: "q", named: "c")
        var deliveries: [Delivery] = []
        while deliveries.count < 300 { deliveries += try await consumer.receive(300) }
        let error = String(repeating: "x", count: Acknowledgement.errorBytes)
        let verdicts = deliveries.map { $0.acknowledgement(.failed(error: error, delay: nil)) }
        #expect(try Acknowledgement.frame(verdicts, of: "q").count > Limits.argumentBytes)
        let results = try await consumer.acknowledge(verdicts)
        #expect(results == Array(repeating: true, count: 300))
        await consumer.close()
    }

    @Test func `Maximum age of an event is measured by the log's time`() async throws {
        let bus = try await RunningBus()
        try await bus.put(
            QueueDefinition(name: "q", grouping: .stream, retry: RetryPolicy(maximumAge: 1800)))
        try await bus.put(rule: "r", to: "q")
        // The second event is enqueued while the clock is an hour behind the log's time.
        try await bus.append()
        bus.clock.jump(.seconds(-3600))
        try await bus.append(stream: "s-2")
        #expect(try await bus.view("q").depth == 2)
        bus.clock.jump(.seconds(3600))
        #expect(try await bus.drain("q").count == 2)
        try await bus.append(2)
        #expect(try await bus.view("q").depth == 2)
        bus.clock.jump(.seconds(3600))
        let view = try await bus.wait(for: "q") { $0.deadLetters > 0 }
        #expect(view.deadLetters == 1 && view.depth == 1)
        let letters = try await bus.deadLetters()
        #expect(letters.map(\.letter.cause) == [.maximumAge])
    }
}
