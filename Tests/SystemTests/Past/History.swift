import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Testing
import WireProtocol

/// A history of orders from a real order book, and of other movements on the accounts that pay.
enum History {
    static let book = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../examples/cdnow_master.txt").standardizedFileURL.path

    /// A running suite in which `orders` of the book have ended, some of them were cancelled, and
    /// accounts have withdrawals and credits.
    static func suite(orders: Int) async throws -> IntegrationHarness.Suite {
        let suite = try Suite()
        try await suite.startAll()
        try suite.succeed("orders", "import", book, "--limit", "\(orders)")
        let placed = try await suite.events(.init([.init(types: ["OrderPlaced"])]))
        for index in stride(from: 2, to: placed.count, by: 9) {
            // A rejected order cannot be cancelled.
            _ = try suite.run("orders", "cancel", placed[index].stream.id)
        }
        for customer in try await suite.customers().prefix(8) {
            _ = try suite.run("withdraw", customer, "20.00")
            try suite.succeed("credit", customer, "35.00")
            try suite.succeed("creditLimit", "set", customer, "150.00")
        }
        let audit = try suite.audit()
        #expect(audit.status == 0, "\(audit.output) \(audit.errors)")
        return suite
    }
}
