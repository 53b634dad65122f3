import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Observability
import Testing
import WireProtocol

let usd = try! Currency("USD")  // USD is in the currency table.

extension Suite {
    /// Opens an account with funds and a credit limit.
    func customer(_ id: String, funds: String, credit: String) throws {
        for arguments in [
            ["balance", "open", id], ["credit", id, funds], ["creditLimit", "set", id, credit],
        ] {
            let run = try run(arguments)
            #expect(run.status == 0, "\(arguments): \(run.errors)")
        }
    }

    func place(
        _ order: String, of customer: String, price: Int64, to hub: String = "LHR"
    ) async throws {
        let client = try await client(of: "orders")
        let now = Timestamp.now()
        _ = try await client.command(
            PlaceOrder.name,
            PlaceOrder(
                order: order, customer: customer,
                items: [OrderItem(sku: "cd", quantity: 1, unitPrice: Money(price, usd))],
                destination: hub, placedAt: now, deadline: now + .seconds(3600)))
        await client.close()
    }

    /// Waits until the order's saga has ended, and returns the order.
    func ended(_ order: String) async throws -> OrderView {
        let end = try await event(
            matching: EventQuery([
                .init(types: ["OrderConfirmed", "OrderRejected"], tags: [Tag.order(order)])
            ]))
        let client = try await client(of: "orders")
        let view = try await client.query(
            "order", order, atLeast: end.position, as: OrderView.self)
        await client.close()
        return view
    }
}

/// The network file of the route service, which a test can damage and restore.
struct HubsFile {
    private let file: URL
    private let hubs: Data

    /// Restarts route with the file, and returns once route has read it.
    init(_ suite: Suite) async throws {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Services/Route/Main/hubs.csv")
        hubs = try Data(contentsOf: source)
        file = URL(filePath: "\(suite.home)/hubs.csv")
        try mend()
        suite.terminate("route")
        try suite.start("route", ["--network", file.path])
        _ = try await suite.status(of: "route")
    }

    /// Makes every plan fail from now on.
    func damage() throws { try Data("no hubs\n".utf8).write(to: file) }

    func mend() throws { try hubs.write(to: file) }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ counts: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: counts, using: &self)).map { _ in .random(in: 0...255, using: &self) }
    }
}
