import Contracts
import EventSourcing
import TestSupport
import Testing

@testable import RouteDomain

private func hub(_ code: String, _ latitude: Double = 0, _ longitude: Double = 0) -> Hub {
    Hub(code: code, name: code, country: code, latitude: latitude, longitude: longitude)
}

/// A leads to D directly, which is expensive and fast, or by B and C, which is cheap and slow. No
/// lane leads to E.
private let diamond: Network = {
    let legs: [(Int, Int, Network.Mode, Double)] = [
        (0, 3, .feeder, 1000), (0, 1, .road, 300), (1, 2, .road, 300), (2, 3, .road, 400),
    ]
    var lanes = Array(repeating: [Network.Lane](), count: 5)
    for (a, b, mode, kilometers) in legs {
        lanes[a].append(.init(to: b, mode: mode, kilometers: kilometers))
        lanes[b].append(.init(to: a, mode: mode, kilometers: kilometers))
    }
    return Network(hubs: ["A", "B", "C", "D", "E"].map { hub($0) }, lanes: lanes)
}()

@Suite(.mayBlock) struct `Network planner` {
    @Test func `Planner takes the cheapest route that arrives in time`() throws {
        // By road: 3 × 50 + 60 for 1,000 km at 6, 20 hours. By air: 50 + 140, under 8 hours.
        let heavy = journey("A", "D", quantity: 10)
        let slow = try NetworkPlanner(diamond, limitMinutes: 48 * 60).plan(heavy)
        #expect(slow.legs.map(\.to) == ["B", "C", "D"])
        #expect(slow.cost == Money(750, usd))
        let fast = try NetworkPlanner(diamond, limitMinutes: 10 * 60).plan(heavy)
        #expect(fast.legs.map(\.to) == ["D"])
        #expect(fast.cost == Money(1450, usd))
        #expect(fast.arrivesAt == Timestamp(microseconds: 0) + .seconds(437 * 60))
    }

    @Test(arguments: [
        ("A", "E", RouteRejected.Reason.unreachable), ("A", "X", .unknownHub),
        ("X", "A", .unknownHub),
    ])
    func `Planner rejects unreachable and unknown hubs`(
        from: String, to: String, reason: RouteRejected.Reason
    ) {
        do {
            _ = try NetworkPlanner(diamond, limitMinutes: 10_000).plan(journey(from, to))
            Issue.record("a route was planned")
        } catch {
            #expect(error.reason == reason)
        }
    }

    @Test func `Planner rejects a route that would arrive too late`() {
        do {
            _ = try NetworkPlanner(diamond, limitMinutes: 60).plan(journey("A", "D"))
            Issue.record("a route was planned")
        } catch {
            #expect(error.reason == .tooLate)
        }
    }

    @Test func `Route from a hub to itself has no legs and costs nothing`() throws {
        let plan = try NetworkPlanner(diamond, limitMinutes: 60).plan(journey("A", "A"))
        #expect(plan.legs.isEmpty && plan.cost == Money(0, usd))
    }

    @Test(arguments: 0..<40)
    func `Planner finds the same cost as an exhaustive search`(seed: Int) throws {
        var state = UInt64(seed)
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var lanes = Array(repeating: [Network.Lane](), count: 6)
        for a in 0..<6 {
            for b in 0..<6 where a != b && random(10) < 5 {
                let mode: Network.Mode = [.road, .feeder, .trunk][random(3)]
                lanes[a].append(.init(to: b, mode: mode, kilometers: Double(50 + random(2000))))
            }
        }
        let network = Network(hubs: (0..<6).map { hub("h\($0)") }, lanes: lanes)
        let limit = 500 + random(2500)
        var best: Int64?
        let prices = try Tariff.standard.prices(in: usd)
        func walk(_ at: Int, _ cost: Int64, _ minutes: Int, _ seen: Set<Int>) {
            guard minutes <= limit else { return }
            if at == 5 {
                best = min(best ?? cost, cost)
                return
            }
            for lane in lanes[at] where !seen.contains(lane.to) {
                walk(
                    lane.to, cost + lane.cost(of: 2, at: prices), minutes + lane.minutes,
                    seen.union([lane.to]))
            }
        }
        walk(0, 0, 0, [0])
        let plan = try? NetworkPlanner(network, limitMinutes: limit)
            .plan(journey("h0", "h5", quantity: 2))
        #expect(plan?.cost.amount == best)
    }
}
