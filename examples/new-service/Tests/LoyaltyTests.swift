import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import LoyaltyDomain
import Testing

@Suite(.timeLimit(.minutes(10))) struct `Loyalty service` {
    @Test func `Loyalty service handles orders and resumes after a crash`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.start("loyalty")
        func run(_ command: String) throws -> Suite.Run {
            try suite.run(command.split(separator: " ").map(String.init))
        }
        func event(_ type: String) async throws -> RecordedEvent {
            try await suite.event(matching: EventQuery([.init(types: [type])]))
        }
        let rules = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../rules.json").path
        for command in [
            "event-store rules apply \(rules)", "balance open ann", "credit ann 100.00",
        ] {
            #expect(try run(command).status == 0)
        }
        _ = try run("orders place --id o1 --customer ann --item cd:1:50.00 --to MEM")
        _ = try await event("PointsEarned")
        #expect(try run("loyalty redeem ann 20").status == 0)
        let refused = try run("loyalty redeem ann 1000")
        #expect(refused.status == 65 && refused.errors.contains("not 1000"), "\(refused)")

        suite.kill("loyalty")
        _ = try run("orders cancel o1")
        try suite.start("loyalty")
        let revoked = try await event("PointsRevoked")
        let client = try await suite.client(of: "loyalty")
        let view = try await client.query(
            "points", "ann", atLeast: revoked.position, as: PointsView.self)
        #expect(view.points == 0 && view.earned > 20)
        await client.close()
        let shown = try run("loyalty show ann").output
        #expect(try run("loyalty rebuild").status == 0)
        #expect(try run("loyalty show ann").output == shown)
        #expect(suite.terminate("loyalty") == 0)
    }
}
