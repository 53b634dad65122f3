import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import Testing
import WireProtocol

/// A history of orders from a real order book, and of other movements on the accounts that pay.
enum History {
    static let book = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples/cdnow_master.txt").standardizedFileURL.path

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

extension IntegrationHarness.Suite {
    @discardableResult
    func succeed(_ command: String...) throws -> String {
        let run = try run(command)
        #expect(run.status == 0, "\(command): \(run.errors)")
        return run.output
    }

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
}
