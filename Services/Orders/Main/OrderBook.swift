import ArgumentParser
public import CommandLine
import Contracts
import OrdersDomain
import ServiceRuntime

extension Executable {
    /// The executable `orders`.
    public static let orders = Executable("orders", OrderBook.self)
}

struct OrderBook: AsyncParsableCommand, EntityService {
    typealias Subject = Orders
    typealias Shown = OrdersProjection

    static let serviceName = "orders"
    static let configuration = CommandConfiguration(
        commandName: serviceName, abstract: "Place, import, cancel and show orders.",
        subcommands: [
            Serve.self, Place.self, Cancel.self, Show.self, List.self, Summary.self,
            Timeline.self, Diff<OrderBook>.self, Import.self, Reverse<OrderBook>.self,
            Status<OrderBook>.self, Health<OrderBook>.self,
            Rebuild<OrderBook>.self,
        ])
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
        await host.answer(OrderBook.entity, from: orders)
        await host.answer(OrderBook.customer, from: orders)
        await host.answer(OrderBook.count, from: orders)
        await host.answer(OrderBook.summary, from: orders)
        await host.answerReversals(of: OrderBook.self, through: repository)
        try await host.run()
    }
}
