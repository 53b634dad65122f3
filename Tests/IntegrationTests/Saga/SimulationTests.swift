import AccountDomain
import AuditDomain
import BalanceDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import OrdersDomain
import RouteDomain
import TestSupport
import Testing

/// All participants follow one log, each at its own pace. Crashes, lost memories, cancellations,
/// deadlines, reversals and concurrent withdrawals come in a random but repeatable order. The audit
/// checks every position.
@Suite(.mayBlock) struct `Saga under random interleavings` {
    private let usd = try! Currency("USD")  // USD is in the currency table.

    @Test(arguments: 0..<30)
    func `Books balance and every order ends under any interleaving`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let world = World()
        let services: [any Follower] = [
            Service(OrdersParticipant(), Orders.self, in: world), route(in: world),
            Service(BalanceParticipant(), Account.self, in: world),
            Service(CreditLimitParticipant(), CreditLimit.self, in: world),
        ]
        try openAccounts(in: world, &random)
        for order in 0..<40 {
            try place(order, in: world, &random)
            for _ in 0..<Int.random(in: 0...90, using: &random) {
                try disturb(world, services, order, &random)
            }
        }
        try drain(services)
        // Every order that is still pending reaches its deadline.
        world.time = world.time + .seconds(3600)
        try services[0].expire()
        try drain(services)
        var audit = world.audit
        audit.close()
        #expect(audit.findings.isEmpty, "seed \(seed): \(audit.findings)")
        #expect(world.objections.isEmpty, "seed \(seed): \(world.objections)")
        #expect(audit.ordersByStatus["pending"] == 0)
        #expect(audit.orderCount == 40)
        #expect(try late(in: world) == [], "seed \(seed)")
        try world.checkReversals("seed \(seed)")
    }

    @Test func `Simulated orders reach every outcome`() throws {
        // The seeds above would prove little if all their orders ended alike.
        var ends = (confirmed: 0, rejected: 0, cancelled: 0, reversals: 0)
        var tooLate = 0
        for seed in UInt64(0)..<10 {
            var random = SplitMix(state: seed)
            let world = World()
            let services: [any Follower] = [
                Service(OrdersParticipant(), Orders.self, in: world),
                route(in: world),
                Service(BalanceParticipant(), Account.self, in: world),
                Service(CreditLimitParticipant(), CreditLimit.self, in: world),
            ]
            try openAccounts(in: world, &random)
            for order in 0..<20 {
                try place(order, in: world, &random)
                for _ in 0..<60 { try disturb(world, services, order, &random) }
            }
            try drain(services)
            ends.confirmed += world.audit.ordersByStatus["confirmed"] ?? 0
            ends.rejected += world.audit.ordersByStatus["rejected"] ?? 0
            ends.cancelled += world.audit.ordersByStatus["cancelled"] ?? 0
            ends.reversals += world.reversals
            tooLate += try orderEvents(in: world).count { event, _ in
                guard case .rejected(let rejected) = event else { return false }
                return rejected.detail.hasPrefix("credit was reserved, but")
            }
        }
        #expect(ends.confirmed > 20 && ends.rejected > 20 && ends.cancelled > 5, "\(ends)")
        #expect(ends.reversals > 20, "\(ends)")
        #expect(tooLate > 3, "credit was hardly ever reserved too late: \(tooLate)")
    }

    private func orderEvents(in world: World) throws -> [(OrderEvent, Timestamp)] {
        try world.log.compactMap { entry in
            try OrderEvent(type: entry.type, data: entry.data[...]).map { ($0, entry.time) }
        }
    }

    /// The orders that were confirmed after their deadline.
    private func late(in world: World) throws -> [String] {
        var deadlines: [String: Timestamp] = [:]
        var late: [String] = []
        for (event, time) in try orderEvents(in: world) {
            if case .placed(let placed) = event { deadlines[placed.order] = placed.deadline }
            if case .confirmed(let confirmed) = event, let deadline = deadlines[confirmed.order],
                time >= deadline
            {
                late.append(confirmed.order)
            }
        }
        return late
    }

    private func route(in world: World) -> any Follower {
        Service(RouteParticipant(planner: OnePrice(), origin: "ATL"), Route.self, in: world)
    }

    private func openAccounts(in world: World, _ random: inout SplitMix) throws {
        for customer in 0..<4 {
            let id = "c\(customer)"
            try world.execute(
                .open(OpenAccount(account: id, currency: usd, openedAt: time(0))),
                of: Account.self, cause: "open-\(id)")
            try world.execute(
                .credit(CreditMoney(account: id, amount: amount(20_000, &random))),
                of: Account.self, cause: "fund-\(id)")
            try world.execute(
                .set(SetCreditLimit(customer: id, limit: amount(8_000, &random))),
                of: CreditLimit.self, cause: "limit-\(id)")
        }
    }

    /// Places a random order. One customer in five has no account, and one destination in ten has
    /// no route.
    private func place(_ order: Int, in world: World, _ random: inout SplitMix) throws {
        let item = OrderItem(
            sku: "cd", quantity: Int.random(in: 1...3, using: &random),
            unitPrice: amount(900, &random))
        try world.execute(
            .place(
                PlaceOrder(
                    order: "o\(order)", customer: "c\(Int.random(in: 0..<5, using: &random))",
                    items: [item], destination: order % 10 == 5 ? "XXX" : "MEM",
                    placedAt: world.time, deadline: world.time + .seconds(60))),
            of: Orders.self, cause: "place-\(order)")
    }

    /// Makes one random thing happen that may happen at any time.
    private func disturb(
        _ world: World, _ services: [any Follower], _ order: Int, _ random: inout SplitMix
    ) throws {
        let service = services[Int.random(in: 0..<services.count, using: &random)]
        let customer = "c\(Int.random(in: 0..<4, using: &random))"
        let cause = "user-\(random.next())"
        world.time = world.time + .milliseconds(Int.random(in: 0...500, using: &random))
        do {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<78: if !service.isDone { try service.step() }
            case 78..<81:
                let service = Bool.random(using: &random) ? "credit" : "balance"
                try world.reverse(Account.self, by: service, cause: cause, &random)
            case 81: try world.reverse(Account.self, by: "withdraw", cause: cause, &random)
            case 82: try world.reverse(CreditLimit.self, by: "creditLimit", cause: cause, &random)
            case 83: try world.reverse(Orders.self, by: "orders", cause: cause, &random)
            case 84..<88: service.save()
            case 88: service.crash()
            case 89:
                if Bool.random(using: &random) {
                    try services[0].expire()
                } else {
                    service.loseMemory()
                }
            case 90..<94:
                try world.execute(
                    .cancel(CancelOrder(order: "o\(Int.random(in: 0...order, using: &random))")),
                    of: Orders.self, cause: cause)
            case 94:
                try world.execute(
                    .withdraw(WithdrawMoney(account: customer, amount: amount(2_000, &random))),
                    of: Account.self, cause: cause)
            case 95..<99:
                try world.execute(
                    .credit(CreditMoney(account: customer, amount: amount(1_500, &random))),
                    of: Account.self, cause: cause)
            default:
                try world.execute(
                    .set(SetCreditLimit(customer: customer, limit: amount(4_000, &random))),
                    of: CreditLimit.self, cause: cause)
            }
        } catch let error as DaybookError where error.kind == .rejected {
            // A rejection is a valid answer: nothing was appended.
        }
    }

    private func drain(_ services: [any Follower]) throws {
        while !services.allSatisfy(\.isDone) {
            for service in services where !service.isDone { try service.step() }
        }
    }

    private func amount(_ largest: Int64, _ random: inout SplitMix) -> Money {
        Money(Int64.random(in: 1...largest, using: &random), usd)
    }

    private func time(_ seconds: Int) -> Timestamp {
        Timestamp(microseconds: 0) + .seconds(seconds)
    }
}

/// A planner with one price for every journey. No route leads to the hub `XXX`.
private struct OnePrice: RoutePlanner {
    func plan(_ journey: Journey) throws -> RoutePlan {
        guard journey.destination != "XXX" else {
            throw RouteRefusal(.unreachable, "no lane leads there")
        }
        return RoutePlan(
            legs: [], cost: Money(250, journey.currency), arrivesAt: journey.departsAt)
    }
}
