import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Late events` {
    /// Appends events of sagas that have ended: late, repeated under other ids, and out of order.
    /// Each reservation among them has its release, so that the books must balance.
    @Test func `Services absorb events that come late, twice or out of order`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("heidi", funds: "100.00", credit: "20.00")
        for (order, price) in [("stands", Int64(1000)), ("fails", 90_000), ("back", 1000)] {
            try await suite.place(order, of: "heidi", price: price)
            // One order after another, because funds held for one are not free for the next.
            let end = try await suite.ended(order)
            #expect(end.status == (order == "fails" ? .rejected : .confirmed), "\(order)")
        }
        #expect(try suite.run("orders", "cancel", "back").status == 0)
        #expect(try suite.audit().status == 0)

        let store = try await suite.eventStore()
        let (head, before) = (try await store.welcome().head, try shown(suite))
        var late = try await lateEvents(suite)
        // The batches are shuffled, but a reservation stays before its release.
        var random = SplitMix(state: 20)
        late.shuffle(using: &random)
        for batch in late + late.map(renewed) { _ = try await store.append(batch) }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit)")
        let appended = late.reduce(0) { $0 + 2 * $1.count }
        #expect(try await store.welcome().head == head + UInt64(appended), "a service reacted")
        #expect(try shown(suite) == before)
        await store.close()
    }

    private func shown(_ suite: IntegrationHarness.Suite) throws -> [String] {
        try ["stands", "fails", "back"].map { try suite.run("orders", "show", $0).output }
            + [
                try suite.run("balance", "show").output,
                try suite.run("creditLimit", "show").output,
            ]
    }

    private func lateEvents(_ suite: IntegrationHarness.Suite) async throws -> [[NewEvent]] {
        let amount = Money(500, usd)
        var batches = try ["stands", "fails", "back"].flatMap { order in
            [
                try event(
                    RouteRejected(
                        order: order, customer: "heidi", reason: .unreachable, detail: "late"),
                    in: "route-\(order)"),
                try event(
                    FundsRefused(
                        account: "heidi", order: order, reason: .noSuchAccount, detail: "late"),
                    in: "account-heidi"),
                try event(
                    CreditDenied(
                        customer: "heidi", order: order, amount: amount, available: amount,
                        reason: .limitExceeded), in: "creditLimit-heidi"),
            ].map { [$0] }
        }
        // The routes come again unchanged.
        for order in ["stands", "fails", "back"] {
            let route = try await suite.event(
                matching: EventQuery([.init(types: ["RouteCreated.2"], tags: [Tag.order(order)])]))
            batches.append([
                NewEvent(
                    stream: route.stream, type: route.type, tags: route.tags,
                    data: Array(route.data))
            ])
        }
        batches.append([
            try event(
                FundsReserved(
                    account: "heidi", order: "fails", total: amount, fromBalance: Money(0, usd),
                    shortfall: amount), in: "account-heidi"),
            try event(
                FundsReleased(account: "heidi", order: "fails", amount: Money(0, usd)),
                in: "account-heidi"),
        ])
        for order in ["fails", "back", "stands"] {
            batches.append([
                try event(
                    CreditReserved(customer: "heidi", order: order, amount: amount),
                    in: "creditLimit-heidi"),
                try event(
                    CreditReleased(customer: "heidi", order: order, amount: amount),
                    in: "creditLimit-heidi"),
            ])
        }
        return batches
    }

    private func event(_ payload: some EventPayload, in stream: String) throws -> NewEvent {
        NewEvent(
            stream: try StreamName(stream), type: type(of: payload).type, tags: payload.tags,
            data: try JSON.encode(payload))
    }

    /// The same events under other ids.
    private func renewed(_ batch: [NewEvent]) -> [NewEvent] {
        batch.map { event in
            var event = event
            event.id = .random()
            return event
        }
    }
}
