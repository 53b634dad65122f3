import ArgumentParser
import Contracts
import EventSourcing
import OrdersDomain
import ServiceKit

@main struct OrderBook: AsyncParsableCommand, NamedService {
    static let serviceName = "orders"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "The orders, and how their sagas end.",
        subcommands: [
            Serve.self, Place.self, Cancel.self, Show.self, List.self, Summary.self,
            Timeline.self, Import.self, Status<OrderBook>.self, Rebuild<OrderBook>.self,
        ])

    static func main() async { await Program.run(Self.self) }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the service.")
    @OptionGroup var options: ServeOptions

    func run() async throws {
        var host = try await ServiceHost(OrderBook.serviceName, options: options)
        let repository = host.repository(Orders.self)
        let orders = try await host.project(OrdersProjection.self)
        try await host.participate(OrdersParticipant(), through: repository)
        await host.command(PlaceOrder.name) { (command: PlaceOrder, cause) in
            try await repository.execute(.place(command), cause)
        }
        await host.command(CancelOrder.name) { (command: CancelOrder, cause) in
            try await repository.execute(.cancel(command), cause)
        }
        await answerQueries(of: host, from: orders)
        try await host.run()
    }

    private func answerQueries(
        of host: ServiceHost, from orders: ReadSide<OrdersProjection>
    ) async {
        await host.query("order") { (id: String, atLeast) in
            guard let view = try await orders.read(atLeast: atLeast, { $0.orders[id] }) else {
                throw Refusal(description: "there is no order \(id)")
            }
            return view
        }
        await host.query("customer") { (id: String, atLeast) in
            try await orders.read(atLeast: atLeast) { model in
                (model.customers[id]?.orders ?? []).compactMap { model.orders[$0] }
            }
        }
        await host.query("count") { (ids: [String], atLeast) in
            try await orders.read(atLeast: atLeast) { model in
                ids.reduce(into: [:]) { counts, id in
                    if let order = model.orders[id] {
                        counts[order.status.rawValue, default: 0] += 1
                    }
                }
            } as [String: Int]
        }
        await host.query("summary") { (_: Nothing, atLeast) in
            try await orders.read(atLeast: atLeast) { model in
                model.orders.rows.values.reduce(into: [:]) { counts, order in
                    counts[order.status.rawValue, default: 0] += 1
                }
            } as [String: Int]
        }
    }
}
