import ArgumentParser
import CommandLine
import EventSourcing
import EventStoreClient
import LoyaltyDomain
import ServiceRuntime

@main struct Loyalty: AsyncParsableCommand, NamedService {
    typealias Subject = Card
    typealias Shown = PointsProjection

    static let serviceName = "loyalty"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "Redeem and show the points of customers.",
        subcommands: [
            Serve.self, Redeem.self, Show.self, Status<Loyalty>.self, Rebuild<Loyalty>.self,
        ])

    /// A customer's points, which depend on the events of one stream only.
    static let points = ServiceQuery<Self, String, PointsView>(
        "points", of: { .stream(try StreamName(category: Card.category, id: $0)) },
        fromMemory: { model, id in
            guard let view = model.customers[id] else {
                throw DaybookError(.rejected, "\(id) has never earned a point")
            }
            return view
        })

    static func main() async { await Program.run(Self.self) }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(Loyalty.serviceName, options: options)
        let cards = host.repository(Card.self)
        let points = try await host.project(PointsProjection.self)
        try await host.participate(LoyaltyParticipant(), through: cards)
        await host.command(RedeemPoints.name) { (command: RedeemPoints, cause) in
            try await cards.execute(.redeem(command), cause)
        }
        await host.answer(Loyalty.points, from: points)
        try await host.run()
    }
}

struct Redeem: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Redeem a customer's points.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The id of the customer.") var customer: String
    @Argument(help: "The number of points to redeem.") var points: Int64

    func run() async throws {
        let reply = try await options.with(Loyalty.serviceName) {
            try await $0.command(
                RedeemPoints.name, RedeemPoints(customer: customer, points: points))
        }
        try Output.reply(reply, json: options.json, "redeemed \(points) points of \(customer)")
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show a customer's points.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the customer.") var customer: String

    func run() async throws {
        try await options.show(Loyalty.points, customer) { view in
            Output.fields([("points", "\(view.points)"), ("earned", "\(view.earned)")])
        }
    }
}
