import EventSourcing
import Foundation
import Testing

@testable import RouteDomain

@Suite struct `World network` {
    @Test func `Every hub is reached from MEM and back in five days at the same cost`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Services/Route/Main/hubs.csv")
        let network = try Network(csv: String(contentsOf: file, encoding: .utf8))
        #expect(network.hubs.count == 113)
        let planner = NetworkPlanner(network, limitMinutes: 5 * 24 * 60)
        for to in network.hubs {
            let there = try planner.plan(journey("MEM", to.code))
            let back = try planner.plan(journey(to.code, "MEM"))
            #expect(there.cost == back.cost, "\(to.code)")
        }
    }
}
