import AccountDomain
import BalanceDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import Logging
import Observability
import OrdersDomain
import RouteDomain
import Testing
import WireProtocol

@testable import ServiceRuntime

private let usd = try! Currency("USD")  // The currency table has this code.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

/// Runs each participant of the suite with its memory lost at each step of a saga. The sagas depend
/// on the memory, because events arrive late, or again after the end.
@Suite(.timeLimit(.minutes(10))) struct `Lost participant memory` {
    private typealias Step = any EventPayload

    private static func placed(deadline: Timestamp = .latest) -> OrderPlaced {
        OrderPlaced(
            order: "o", customer: "a",
            items: [OrderItem(sku: "cd", quantity: 1, unitPrice: money(100))],
            itemsTotal: money(100), origin: nil, destination: "SEA",
            placedAt: Timestamp(microseconds: 0), deadline: deadline)
    }
    private static let confirmed = OrderConfirmed(order: "o", customer: "a")
    private static let rejected = OrderRejected(
        order: "o", customer: "a", reason: .cancelledByCustomer, detail: "")
    private static let cancelled = OrderCancelled(order: "o", customer: "a")
    private static let route = RouteCreated(
        order: "o", customer: "a", origin: "MEM", destination: "SEA", legs: [],
        itemsTotal: money(100), shipping: money(20), total: money(120),
        arrivesAt: Timestamp(microseconds: 9))
    private static let funds = FundsReserved(
        account: "a", order: "o", total: money(120), fromBalance: money(0), shortfall: money(120))
    private static let paid = PaymentCaptured(
        account: "a", order: "o", total: money(120), fromBalance: money(0), fromCredit: money(120))
    private static let refunded = PaymentRefunded(
        account: "a", order: "o", amount: money(120), repaid: money(120), toFunds: money(0))
    private static let credit = CreditReserved(customer: "a", order: "o", amount: money(120))
    private static let opened = AccountOpened(
        account: "a", currency: usd, openedAt: Timestamp(microseconds: 0))
    private static let limit = CreditLimitSet(customer: "a", limit: money(500))

    @Test(
        arguments: [
            [route, confirmed, cancelled, route], [route, rejected, route, route],
            [rejected, route],
            [route, cancelled, route],
        ] as [[any EventPayload]])
    func `Balance appends the same events with and without its memory`(
        steps: [any EventPayload]
    ) async throws {
        try await check(BalanceParticipant(), Account.self, [Self.opened], steps)
    }

    @Test(
        arguments: [
            [funds, paid, refunded, funds], [funds, rejected, funds], [rejected, funds, funds],
            [funds, paid, funds],
        ] as [[any EventPayload]])
    func `CreditLimit appends the same events with and without its memory`(
        steps: [any EventPayload]
    ) async throws {
        try await check(CreditLimitParticipant(), CreditLimit.self, [Self.limit], steps)
    }

    @Test(
        arguments: [
            [placed(), confirmed, cancelled, placed()], [placed(), rejected, placed()],
            [rejected, placed(), placed()],
        ] as [[any EventPayload]])
    func `Route appends the same events with and without its memory`(
        steps: [any EventPayload]
    ) async throws {
        let participant = RouteParticipant(planner: NoLanes(), origin: "MEM")
        try await check(participant, Route.self, [], steps)
    }

    @Test(
        arguments: [
            [route, credit, credit], [credit], [funds, credit],
        ] as [[any EventPayload]])
    func `Orders appends the same events with and without its memory`(
        steps: [any EventPayload]
    ) async throws {
        // Orders takes only some of the event types.
        let taken = steps.filter { OrdersParticipant.Event.types.contains(type(of: $0).type) }
        try await check(OrdersParticipant(), Orders.self, [Self.placed()], taken)
    }

    /// Checks that the participant appends the same events during `steps`, after `past`, no matter
    /// whether and when it loses its memory.
    private func check<P: Participant, Subject: Aggregate>(
        _ participant: P, _ subject: Subject.Type, _ past: [Step], _ steps: [Step]
    ) async throws where P.Command == Subject.Command {
        let expected = try await Trial(participant, subject, past, steps).run { _ in false }
        for loss in steps.indices {
            let trial = try await Trial(participant, subject, past, steps)
            #expect(try await trial.run { $0 == loss } == expected, "lost before step \(loss)")
        }
        let trial = try await Trial(participant, subject, past, steps)
        #expect(try await trial.run { _ in true } == expected, "lost before every step")
        // All steps are in the log before the first delivery. No reaction may depend on later ones.
        let backlog = try await Trial(participant, subject, past, steps)
        #expect(
            try await backlog.run(isBacklog: true) { _ in true } == expected,
            "lost before every step of a backlog")
    }

    /// A saga in an event store of its own.
    private struct Trial<P: Participant, Subject: Aggregate> where P.Command == Subject.Command {
        let store: Store
        let participant: P
        let steps: [NewEvent]
        let past: Int

        init(
            _ participant: P, _ subject: Subject.Type, _ past: [Step], _ steps: [Step]
        ) async throws {
            store = try await Store()
            self.participant = participant
            self.past = past.count
            self.steps = try (past + steps).enumerated().map { index, payload in
                let type = type(of: payload)
                // Each trial uses the same ids, so that the appended events have the same ids, too.
                return NewEvent(
                    id: EventID(high: 7, low: UInt64(index)),
                    stream: try StreamName(category: type.category, id: payload.entity),
                    type: type.type, tags: payload.tags, data: try JSON.encode(payload))
            }
        }

        /// - Returns: the appended events, without the steps.
        func run(
            isBacklog: Bool = false, losingBefore isLoss: (Int) -> Bool
        ) async throws -> [String] {
            if past > 0 { _ = try await store.deliveries(Array(steps[..<past])) }
            var memory = 0
            var runner: ParticipantRunner<P, Subject>?
            let backlog =
                isBacklog ? try await store.deliveries(Array(steps[past...])) : []
            for (index, step) in steps[past...].enumerated() {
                if isLoss(index) {
                    memory += 1
                    try await runner?.close()
                    runner = nil
                }
                let delivery =
                    isBacklog ? [backlog[index]] : try await store.deliveries([step])
                let current: ParticipantRunner<P, Subject>
                if let runner {
                    current = runner
                } else {
                    current = try await store.runner(participant, memory: "memory\(memory)")
                }
                runner = current
                #expect(try await current.handle(delivery) == [.acknowledged], "\(step.type)")
            }
            let own = Set(steps.map(\.id))
            var appended: [String] = []
            for try await event in store.client.read(ReadRequest()).events
            where !own.contains(event.id) {
                appended.append("\(event.id) \(event.type) in \(event.stream)")
            }
            return appended
        }
    }

    // MARK: Deadlines

    @Test func `Participant without memory finds the deadlines of open sagas in the log`()
        async throws
    {
        let store = try await Store()
        let past = Timestamp.now().microseconds - 1
        _ = try await store.deliveries(
            Wanted(order: "missed", deadline: past), Wanted(order: "met", deadline: past),
            Met(order: "met"), Wanted(order: "later", deadline: past + 3_600_000_000))
        for memory in ["first", "second"] {
            let runner = try await store.loadingMemory(Packer(), memory: memory)
            _ = try await runner.handle([])
            #expect(try await store.orders("Missed") == ["missed"])
            try await runner.close()
        }
        // The deadlines are on disk, and the log is not searched again.
        let sagas = try await store.sagas("first")
        #expect(try await sagas.deadlines().map(\.saga).sorted() == ["later", "missed"])
        let next = try await store.loadingMemory(Packer(), memory: "first")
        _ = try await next.handle(try await store.deliveries(Met(order: "later")))
        #expect(try await sagas.sagas(["later"])["later"]?.state.events == 2)
        #expect(try await sagas.deadlines().map(\.saga) == ["missed"])
    }

    // MARK: Reads

    /// How many requests the event store takes while `body` runs.
    private func requests(_ store: Store, _ body: () async throws -> Void) async throws -> UInt64 {
        let before = try await store.client.statistics().requests
        try await body()
        return try await store.client.statistics().requests - before - 1
    }

    @Test func `Participant reads the log once per batch, or never if its memory is complete`()
        async throws
    {
        let store = try await Store()
        let complete = try await store.loadingMemory(Packer(), memory: "complete")
        let wanted = try await store.deliveries(
            (0..<20).map { try NewEvent(Wanted(order: "o\($0)")) })
        _ = try await complete.handle(wanted)
        let lost = try await store.loadingMemory(Packer(), memory: "lost")
        let met = try await store.deliveries((0..<20).map { try NewEvent(Met(order: "o\($0)")) })
        #expect(try await requests(store) { _ = try await complete.handle(met) } == 0)
        // Before the read, it asks whether the log has history.
        #expect(try await requests(store) { _ = try await lost.handle(met) } == 2)
        let sagas = try await store.sagas("lost").sagas(["o0", "o19"])
        #expect(sagas.mapValues(\.state.events) == ["o0": 2, "o19": 2])
        // These sagas are complete now.
        let again = try await store.deliveries((0..<20).map { try NewEvent(Met(order: "o\($0)")) })
        #expect(try await requests(store) { _ = try await lost.handle(again) } == 0)
    }

    @Test func `Participant without memory skips earlier events that it can't read`() async throws {
        let store = try await Store()
        _ = try await store.deliveries([
            NewEvent(
                stream: StreamName("order-1"), type: "Wanted", tags: [Tag.order("a")],
                data: Array("{}".utf8)), try NewEvent(Wanted(order: "a")),
        ])
        let runner = try await store.loadingMemory(Packer(), memory: "lost")
        let met = try await store.deliveries(Met(order: "a"))
        #expect(try await runner.handle(met) == [.acknowledged])
        #expect(try await store.sagas("lost").sagas(["a"])["a"]?.state.events == 2)
    }

    @Test func `Participant handles an order whose id is too long for a tag`() async throws {
        let store = try await Store()
        let long = String(repeating: "x", count: 300)
        _ = try await store.deliveries(Wanted(order: "a"))
        let runner = try await store.loadingMemory(Packer(), memory: "lost")
        let wanted = try await store.deliveries([
            NewEvent(
                stream: StreamName("order-1"), type: "Met", data: JSON.encode(Met(order: long)))
        ])
        #expect(try await runner.handle(wanted) == [.acknowledged])
    }

    // MARK: History

    @Test func `Participant folds a saga's history when a new event continues the saga`()
        async throws
    {
        let store = try await Store()
        // The memory is complete from the beginning of the log, but has no history.
        let runner = try await store.loadingMemory(Packer(), memory: "complete")
        _ = try await runner.handle(try await store.deliveries(Wanted(order: "own")))
        var past = try [NewEvent(Wanted(order: "a", shelf: "old")), NewEvent(Met(order: "b"))]
        for index in past.indices { past[index].originalTime = Timestamp(microseconds: 7) }
        _ = try await store.client.append(past, AppendCondition(history: .undelivered))
        let met = try await store.deliveries(
            [Met(order: "a"), Met(order: "b"), Met(order: "own"), Met(order: "c")].map {
                try NewEvent($0)
            })
        #expect(try await runner.handle(met) == .init(repeating: .acknowledged, count: 4))
        let sagas = try await store.sagas("complete").sagas(["a", "b", "own", "c"])
        #expect(sagas.mapValues(\.state.events) == ["a": 2, "b": 2, "own": 2, "c": 1])
        // The history itself had no new effect.
        #expect(try await store.orders("Packed") == ["own"])
    }

    // MARK: Replays

    @Test func `Participant considers later events when it handles a replayed one`() async throws {
        let store = try await Store()
        let participant = BalanceParticipant()
        let events = try [Self.opened, Self.route, Self.rejected].map { (payload: Step) in
            NewEvent(
                stream: try StreamName(category: type(of: payload).category, id: payload.entity),
                type: type(of: payload).type, tags: payload.tags,
                data: try JSON.encode(payload))
        }
        var deliveries = try await store.deliveries(events)
        // The rejection was handled, and then the memory was lost. The route was never handled and
        // now comes in a replay. It must not reserve funds that nothing would release.
        let runner: ParticipantRunner<BalanceParticipant, Account> = try await store.runner(
            participant, memory: "lost")
        deliveries[1].replay = "again"
        #expect(try await runner.handle([deliveries[1]]) == [.acknowledged])
        #expect(try await store.count(of: "FundsReserved") == 0)
        // In a saga that has not ended, the replay is handled as usual.
        let other = try await store.deliveries([
            NewEvent(
                stream: StreamName("account-b"), type: AccountOpened.type,
                data: JSON.encode(AccountOpened(account: "b", currency: usd, openedAt: .now()))),
            NewEvent(
                stream: StreamName("route-p"), type: RouteCreated.type, tags: [Tag.order("p")],
                data: JSON.encode(
                    RouteCreated(
                        order: "p", customer: "b", origin: "MEM", destination: "SEA", legs: [],
                        itemsTotal: money(1), shipping: money(1), total: money(2),
                        arrivesAt: Timestamp(microseconds: 9)))),
        ])
        var replayed = other[1]
        replayed.replay = "again"
        let next: ParticipantRunner<BalanceParticipant, Account> = try await store.runner(
            participant, memory: "lost again")
        #expect(try await next.handle([replayed]) == [.acknowledged])
        #expect(try await store.count(of: "FundsReserved") == 1)
    }

    // MARK: Trimming

    @Test func `Participant trims old sagas and folds them from the log when they continue`()
        async throws
    {
        let store = try await Store()
        let runner = try await store.loadingMemory(Packer(), memory: "memory")
        let start = Timestamp.now().microseconds
        let day: Int64 = 86_400_000_000
        let far = start + 1000 * day
        let first = try await store.deliveries(
            Wanted(order: "old"), Wanted(order: "waiting", deadline: far), at: start)
        _ = try await runner.handle(first)
        _ = try await runner.handle(
            try await store.deliveries(Wanted(order: "new"), at: start + 20 * day))
        let later = try await store.loadingMemory(Packer(), memory: "memory")
        _ = try await later.handle(
            try await store.deliveries(Wanted(order: "newest"), at: start + 31 * day))
        let sagas = try await store.sagas("memory")
        let known = try await sagas.sagas(["old", "waiting", "new", "newest"])
        #expect(known.keys.sorted() == ["new", "newest", "waiting"])
        #expect(try await sagas.beginning() == first[0].event.position)
        // A trimmed saga is complete again when it continues, in this process and in the next.
        _ = try await later.handle(
            try await store.deliveries(Met(order: "old"), at: start + 32 * day))
        #expect(try await sagas.sagas(["old"])["old"]?.state.events == 2)
        let next = try await store.loadingMemory(Packer(), memory: "memory")
        _ = try await next.handle(
            try await store.deliveries(Met(order: "waiting"), at: start + 33 * day))
        #expect(try await sagas.sagas(["waiting"])["waiting"]?.state.events == 2)
        #expect(try await sagas.deadlines().isEmpty)
    }
}

private struct NoLanes: RoutePlanner {
    func plan(_ journey: Journey) throws -> RoutePlan {
        throw RouteRefusal(.unreachable, "no lane leads there")
    }
}

extension NewEvent {
    init(_ payload: some EventPayload) throws {
        self.init(
            stream: try StreamName(category: Swift.type(of: payload).category, id: "1"),
            type: Swift.type(of: payload).type, tags: payload.tags,
            data: try JSON.encode(payload))
    }
}

extension Store {
    /// Returns a runner that has loaded its memory, as it does when it starts.
    fileprivate func loadingMemory(
        _ packer: Packer, memory: String
    ) async throws -> ParticipantRunner<Packer, Shelf> {
        let runner = try await runner(packer, memory: memory)
        try await runner.loadMemory()
        return runner
    }

    fileprivate func runner<P: Participant, Subject: Aggregate>(
        _ participant: P, memory: String
    ) async throws -> ParticipantRunner<P, Subject> where P.Command == Subject.Command {
        let runner = ParticipantRunner(
            participant, through: Repository(Subject.self, client: client, on: loop),
            store: try SagaStore(
                path: "\(folder)/\(memory).sqlite", log: try await client.welcome().log),
            client: client, service: P.name, on: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await runner.loadMemory()
        return runner
    }

    fileprivate func count(of type: String) async throws -> Int {
        var count = 0
        for try await _ in client.read(ReadRequest(.types([type]))).events { count += 1 }
        return count
    }
}
