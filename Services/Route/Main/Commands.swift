import ArgumentParser
public import CommandLine
import Contracts
import EventSourcing
import Observability
import RouteDomain
import ServiceRuntime
import WireProtocol

extension Executable {
    /// The executable `route`.
    public static let route = Executable(RouteService.self)
}

extension RouteService: ServiceProgram {
    static let abstract = "Plan and show routes through a network of hubs."
    static let subcommands: [any ParsableCommand.Type] = [Show.self, Plan.self]
}

/// The options for the network of hubs, the prices and the limits of a route.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: """
            A CSV file of hubs that replaces the built-in ones. The service reads it again when \
            it changes (DAYBOOK_NETWORK).
            """)
    var network: String?

    @Option(
        help: """
            A CSV file of shipping prices that replaces the built-in ones in USD. The service \
            reads it again when it changes (DAYBOOK_TARIFF).
            """)
    var tariff: String?

    @Option(help: "The hub to send an order from if it names no origin.") var origin = "MEM"

    @Option(help: "The longest time that a route may take, in hours.") var hours = 120

    func validate() throws {
        try require((1...100_000).contains(hours), "--hours must be 1 to 100000, not \(hours)")
    }

    /// Returns the planner that the options describe.
    func planner() throws -> HubNetwork {
        try HubNetwork(
            file: network ?? Endpoints.environment("DAYBOOK_NETWORK"),
            tariff: tariff ?? Endpoints.environment("DAYBOOK_TARIFF"), limitMinutes: hours * 60)
    }
}

struct Show: QueryCommand {
    static let abstract = "Show the route of an order."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        try await show(RouteService.entity, order) { view in
            try Output.print("route of \(view.id): \(view.status.rawValue) \(view.detail ?? "")")
            try printLegs(view.legs)
        }
    }
}

struct Plan: ProgramCommand {
    static let abstract = "Plan a route without an order. Nothing is stored."
    @OptionGroup var network: NetworkOptions
    @Argument(help: "The hub to send to.") var destination: String
    @Option(help: "The number of items.") var quantity = 1
    @Option(help: "The currency of the cost, an ISO 4217 code.") var currency = "USD"
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        try require(quantity > 0, "--quantity must be 1 or more, not \(quantity)")
    }

    func run() async throws {
        let journey = Journey(
            origin: network.origin, destination: destination, quantity: quantity,
            currency: try Currency(currency), departsAt: .now())
        let plan: RoutePlan
        do { plan = try network.planner().plan(journey) } catch let error as RouteRefusal {
            throw DaybookError(.invalid, error.description)
        }
        if json { return try Output.json(plan.legs) }
        try printLegs(plan.legs)
        try Output.print("\(plan.cost), arrives at \(plan.arrivesAt)")
    }
}

private func printLegs(_ legs: [RouteLeg]) throws {
    try Output.table(
        ["from", "to", "km", "cost", "departs", "arrives"],
        legs.map {
            [
                "\($0.from)", $0.to, "\(Double($0.meters) / 1000)", "\($0.cost)", "\($0.departsAt)",
                "\($0.arrivesAt)",
            ]
        })
}
