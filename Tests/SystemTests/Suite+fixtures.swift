import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Observability
import TestSupport
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

    /// Runs a command that must succeed, and returns its output.
    @discardableResult
    func succeed(_ command: [String]) throws -> String {
        let run = try run(command)
        #expect(run.status == 0, "\(command): \(run.errors)")
        return run.output
    }

    @discardableResult
    func succeed(_ command: String...) throws -> String { try succeed(command) }

    /// The customers that have an account, in the order in which the accounts were opened.
    func customers() async throws -> [String] {
        try await events(.init([.init(types: ["AccountOpened"])])).map(\.stream.id)
    }

    /// Waits until the service has caught up with the current head of the log.
    func caughtUp(_ service: String) async throws {
        let head = try await status(of: service).head
        while try await status(of: service).projection?.checkpoint ?? 0 < head {}
    }

    func events(_ query: EventQuery) async throws -> [RecordedEvent] {
        let store = try await eventStore()
        var events: [RecordedEvent] = []
        for try await event in store.read(ReadRequest(query)).events { events.append(event) }
        await store.close()
        return events
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

extension SplitMix {
    mutating func bytes(_ counts: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: counts, using: &self)).map { _ in .random(in: 0...255, using: &self) }
    }
}
