import Contracts
import EventSourcing
import Testing

@testable import RouteDomain

@Suite struct `Shipping prices` {
    private static let header = "currency,handling,road,feeder,trunk\n"

    /// A leads to B by road, 500 km.
    private static let network: Network = {
        let hubs = ["A", "B"].map {
            Hub(code: $0, name: $0, country: "X", latitude: 0, longitude: 0)
        }
        return Network(
            hubs: hubs,
            lanes: [
                [.init(to: 1, mode: .road, kilometers: 500)],
                [.init(to: 0, mode: .road, kilometers: 500)],
            ])
    }()

    private static func plan(
        _ tariff: Tariff, in currency: Currency, to hub: String = "B"
    ) throws -> RoutePlan {
        try NetworkPlanner(network, tariff: tariff, limitMinutes: 10_000)
            .plan(
                Journey(
                    origin: "A", destination: hub, quantity: 3, currency: currency,
                    departsAt: Timestamp(microseconds: 0)))
    }

    @Test func `Each currency has its own prices`() throws {
        let tariff = try Tariff(
            csv: Self.header + "USD,50,6,14,9\nJPY,75,9.5,21,13\r\n\nKWD,154,18.4,43,28\n")
        #expect(try Self.plan(tariff, in: .usd).cost == Money(50 + 90, .usd))
        #expect(try Self.plan(tariff, in: .jpy).cost == Money(75 + 143, .jpy))
        #expect(try Self.plan(tariff, in: .kwd).cost == Money(154 + 276, .kwd))
    }

    @Test(arguments: ["A", "B", "Z"])
    func `Journey in a currency without prices is refused`(to hub: String) throws {
        let error = #expect(throws: RouteRefusal.self) {
            try Self.plan(.standard, in: .jpy, to: hub)
        }
        #expect(error?.reason == .currencyNotServed)
        #expect(error?.description == "shipping has no prices in JPY, only in USD")
    }

    @Test func `Built-in tariff has the prices that earlier versions had`() throws {
        #expect(try Self.plan(.standard, in: .usd).cost == Money(140, .usd))
    }

    @Test(
        arguments: [
            ("", "no prices"), ("USD,50,6,14\n", "4 fields"), ("USX,50,6,14,9\n", "USX"),
            ("USD,50,6,14,9\nUSD,50,6,14,9\n", "line 3"), ("USD,0.5,6,14,9\n", "'0.5'"),
            ("USD,-1,6,14,9\n", "'-1'"), ("USD,50,nan,14,9\n", "'nan'"),
            ("USD,50,6,inf,9\n", "'inf'"), ("USD,50,6,14,-9\n", "'-9'"),
            ("USD,50,6,14,1e300\n", "'1e300'"),
        ] as [(String, String)])
    func `Invalid tariff is rejected with its line`(lines: String, reason: String) {
        let error = #expect(throws: DaybookError.self) { try Tariff(csv: Self.header + lines) }
        #expect(error?.kind == .invalid && error?.description.contains(reason) == true)
    }

    @Test(arguments: ["", "currency,road\n", "USD,50,6,14,9\n"])
    func `Tariff without its header is rejected`(text: String) {
        let error = #expect(throws: DaybookError.self) { try Tariff(csv: text) }
        #expect(error?.description.contains("line 1") == true)
    }
}
