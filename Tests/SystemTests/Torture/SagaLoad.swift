import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Observability
import Synchronization
import TestSupport
import WireProtocol

/// Clients that place and cancel orders, and keep the orders that were acknowledged.
final class SagaLoad: Sendable {
    private struct State {
        var placed: [String] = []
        var unknown = 0
        var isStopped = false
    }

    private static let customers = (0..<12).map { "customer\($0)" }
    private static let hubs = ["LHR", "NRT", "JFK", "XXX"]
    private let client: ServiceClient
    private let state = Mutex(State())

    /// Opens the customers' accounts.
    init(_ suite: Suite) async throws {
        for customer in Self.customers {
            try suite.customer(customer, funds: "5000.00", credit: "3000.00")
        }
        client = try await suite.client(of: "orders")
    }

    /// The orders whose placement was acknowledged.
    var placed: [String] { state.withLock { $0.placed } }
    /// The number of calls without an answer that says what they did.
    var unknown: Int { state.withLock { $0.unknown } }

    func stop() { state.withLock { $0.isStopped = true } }

    func close() async { await client.close() }

    /// Places orders, with `pause` after each, and cancels some of them, until stopped.
    func work(seed: UInt64, pause: Duration) async throws {
        var random = SplitMix(state: seed)
        var count = 0
        while !state.withLock({ $0.isStopped }) {
            count += 1
            let order = "\(seed)x\(count)"
            await place(order, &random)
            if Int.random(in: 0..<4, using: &random) == 0 { await cancel(order) }
            // Holds the rate: a load without pauses would hide what a disturbance does.
            try await Task.sleep(for: pause)
        }
    }

    private func place(_ order: String, _ random: inout SplitMix) async {
        let now = Timestamp.now()
        let price = Money(.random(in: 100...40_000, using: &random), usd)
        let deadline = [2, 60, 7200].randomElement(using: &random) ?? 60
        let command = PlaceOrder(
            order: order, customer: Self.customers.randomElement(using: &random) ?? "",
            items: [OrderItem(sku: "cd", quantity: 1, unitPrice: price)],
            destination: Self.hubs.randomElement(using: &random) ?? "", placedAt: now,
            deadline: now + .seconds(deadline))
        if await call(PlaceOrder.name, command) { state.withLock { $0.placed.append(order) } }
    }

    private func cancel(_ order: String) async {
        _ = await call(CancelOrder.name, CancelOrder(order: order))
    }

    private func call(_ name: String, _ command: some Codable & Sendable) async -> Bool {
        do {
            _ = try await client.command(name, command)
            return true
        } catch {
            if (error as? ProtocolError)?.code != .rejected { state.withLock { $0.unknown += 1 } }
            return false
        }
    }
}
