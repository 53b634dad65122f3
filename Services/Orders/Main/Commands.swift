import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Observability
import WireProtocol

struct Place: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Place an order.")
    @OptionGroup var options: CallOptions
    @Option(help: "The id of the order (default: a random one).") var id: String?
    @Option(help: "The id of the customer whose account pays.") var customer: String
    @Option(help: "An item as sku:quantity:price, such as cd:2:11.77. Repeat it for more items.")
    var item: [String]
    @Option(help: "The hub to send the order to.") var to: String
    @Option(help: "The hub to send the order from (default: the route service chooses).")
    var from: String?
    @Option(help: "The currency of the prices, an ISO 4217 code.") var currency = "USD"
    @Option(help: "Seconds until the order is rejected if it is not confirmed.")
    var deadline = 60.0

    func validate() throws {
        guard deadline > 0, deadline < 1e9 else {
            throw ValidationError(
                "--deadline must be above 0 and below 1000000000 seconds, not \(deadline)")
        }
    }

    func run() async throws {
        let order = id ?? "o\(EventID.random().description.filter { $0 != "-" }.prefix(12))"
        let currency = try Currency(currency)
        let now = Timestamp.now()
        let command = PlaceOrder(
            order: order, customer: customer,
            items: try item.map { try Self.item($0, currency) }, origin: from, destination: to,
            placedAt: now, deadline: now + .seconds(deadline))
        let reply = try await options.with(OrderBook.serviceName) {
            try await $0.command(PlaceOrder.name, command)
        }
        try Output.reply(reply, json: options.json, "placed order \(order)")
    }

    private static func item(_ text: String, _ currency: Currency) throws -> OrderItem {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let quantity = Int(parts[1]) else {
            throw ValidationError(
                "--item must be sku:quantity:price, such as cd:2:11.77, not '\(text)'")
        }
        return OrderItem(
            sku: String(parts[0]), quantity: quantity,
            unitPrice: try Money(parts[2], in: currency))
    }
}

struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Cancel an order.")
    @OptionGroup var options: CallOptions
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        let reply = try await options.with(OrderBook.serviceName) {
            try await $0.command(CancelOrder.name, CancelOrder(order: order))
        }
        try Output.reply(reply, json: options.json, "cancelled order \(order)")
    }
}

struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show an order.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        try await options.show(OrderBook.entity, order) { view in
            printOrders([view])
            for item in view.items {
                print("  \(item.quantity) × \(item.sku) at \(item.unitPrice)")
            }
            if let reason = view.reason { print("  \(reason.rawValue): \(view.detail ?? "")") }
        }
    }
}

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List a customer's orders.")
    @OptionGroup var options: QueryOptions
    @Argument(help: "The id of the customer.") var customer: String

    func run() async throws {
        try await options.show(OrderBook.customer, customer, printOrders)
    }
}

struct Summary: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count orders by status.",
        discussion: "With --at or --position the command reads the log from its start.")
    @OptionGroup var options: QueryOptions

    func run() async throws {
        try await options.show(OrderBook.summary, Nothing()) { counts in
            Output.fields(counts.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
        }
    }
}

private func printOrders(_ views: [OrderView]) {
    func amount(_ view: OrderView, _ minor: Int64?) -> String {
        minor.map { Money($0, view.currency).amountText } ?? "-"
    }
    Output.table(
        ["order", "customer", "status", "items", "shipping", "total", "to", "arrives"],
        views.map { view in
            [
                view.id, view.customer, view.status.rawValue, amount(view, view.itemsTotal),
                amount(view, view.shipping), amount(view, view.total), view.destination,
                view.arrivesAt.map(\.description) ?? "-",
            ]
        })
}
