import ArgumentParser
public import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import Observability
import OrdersDomain
import ServiceRuntime
import WireProtocol

extension Executable {
    /// The executable `orders`.
    public static let orders = Executable(OrdersService.self)
}

extension OrdersService: ServiceProgram {
    static let abstract = "Place, import, cancel and show orders."
    static let subcommands: [any ParsableCommand.Type] = [
        Place.self, Cancel.self, Show.self, List.self, Summary.self, Timeline.self, Import.self,
    ]
}

struct Place: RepeatableCommand {
    static let abstract = "Place an order."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Option(help: "The id of the order (default: one that derives from the command's id).")
    var id: String?
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
        try require(
            deadline > 0 && deadline < 1e9,
            "--deadline must be above 0 and below 1000000000 seconds, not \(deadline)")
    }

    func run() async throws {
        let commandID = commandID.given ?? .random()
        // A repeated command places the same order.
        let order =
            id ?? "o\(commandID.derived("order").description.filter { $0 != "-" }.prefix(12))"
        let currency = try Currency(currency)
        let now = Timestamp.now()
        let command = PlaceOrder(
            order: order, customer: customer,
            items: try item.map { try Self.item($0, currency) }, origin: from, destination: to,
            placedAt: now, deadline: now + .seconds(deadline))
        try await send(
            PlaceOrder.name, command, to: OrdersService.name, "placed order \(order)",
            id: commandID)
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

struct Cancel: RepeatableCommand {
    static let abstract = "Cancel an order."
    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        try await send(
            CancelOrder.name, CancelOrder(order: order), to: OrdersService.name,
            "cancelled order \(order)")
    }
}

struct Show: QueryCommand {
    static let abstract = "Show an order."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        try await show(OrdersService.entity, order) { view in
            try printOrders([.shown(view)])
            for item in view.items {
                try Output.print("  \(item.quantity) × \(item.sku) at \(item.unitPrice)")
            }
            if let reason = view.reason {
                try Output.print("  \(reason.rawValue): \(view.detail ?? "")")
            }
        }
    }
}

struct List: QueryCommand {
    static let abstract = "List a customer's orders."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
    @Argument(help: "The id of the customer.") var customer: String

    func run() async throws {
        try await show(OrdersService.customer, customer, printOrders)
    }
}

struct Summary: QueryCommand {
    static let abstract = "Count orders by status."
    static let discussion = "With --at or --position the command reads the log from its start."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        try await show(OrdersService.summary, Nothing()) { counts in
            try Output.fields(counts.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
        }
    }
}

struct Timeline: ProgramCommand {
    static let abstract = "Show an order's saga: the events from all services, and dead letters."
    @OptionGroup var options: CallOptions
    @OptionGroup var when: MomentOptions
    @Option(help: "The event store's endpoint (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?
    @Argument(help: "The id of the order.") var order: String

    func run() async throws {
        var events: [RecordedEvent] = []
        try await EventStoreConnection.with(
            eventStore, home: options.home, timeout: options.timeoutDuration
        ) { client in
            let concerning = try await client.read(.tags([Tag.order(order)]), asOf: when.moment)
            for try await event in concerning.events { events.append(event) }
        }
        try require(!events.isEmpty, .invalid, "no event concerns an order \(order)")
        let timeline = OrderTimeline(events)
        if options.json { try Output.json(timeline) } else { try timeline.printTable() }
    }
}

struct Import: ProgramCommand {
    static let abstract =
        "Place the orders of an order book, and wait until all their sagas have ended."
    static let discussion = """
        A line is a customer, a date (YYYYMMDD), a number of items and their total price. \
        Each customer gets an account, money and a credit limit.

        The id of an order derives from the source, the line's fields, and the number of \
        earlier lines in the file with the same fields. So an import can be repeated, and a \
        file that has grown adds only its new lines. Earlier versions numbered the orders by \
        line: --source cdnow recognises those.

        Invalid lines are listed with their numbers, and the exit status is 65. Nothing is \
        imported then, unless --skip-invalid is given.
        """
    @OptionGroup var options: CallOptions
    @Argument(help: "The order book, a UTF-8 file whose first line is a header.") var file: String
    @Option(help: "The name of the orders' source (default: the file's name without its folder).")
    var source: String?
    @Option(help: "The largest number of lines to import.") var limit = Int.max
    @Flag(help: "Import the valid lines of a file that has invalid ones.") var skipInvalid = false
    @Option(help: "The amount in USD to credit to each account.") var funds = "200.00"
    @Option(help: "Each customer's credit limit in USD.") var credit = "100.00"
    @Option(help: "How many commands are in flight at a time, 1 to 512.") var window = 64
    @Option(help: "Seconds until an order is rejected if it is not confirmed.")
    var deadline = 600.0

    func validate() throws {
        try require(
            limit > 0 && (1...512).contains(window),
            "--limit must be above 0, and --window must be 1 to 512")
        try require(
            deadline > 0 && deadline < 1e9,
            "--deadline must be above 0 and below 1000000000 seconds")
        try require(source != "", "--source must not be empty")
    }

    func run() async throws {
        let usd = try Currency("USD")
        let work = OrderImport(
            source: source ?? URL(filePath: file).lastPathComponent,
            funds: try Self.amount(funds, of: "--funds", usd),
            credit: try Self.amount(credit, of: "--credit", usd), lifetime: .seconds(deadline),
            window: window, home: options.home, actor: options.actor,
            timeout: .seconds(options.timeout))
        let book = try read(usd, work)
        try checkLines(of: book)
        try await work.openAccounts(of: book.purchases)
        let started = ContinuousClock.now
        let placed = try await work.place(book.purchases)
        let rejected = placed.compactMap(\.badLine)
        for line in rejected { Output.printError("orders: \(line)") }
        let ends = try await work.awaitEnds(of: placed.compactMap(\.order))
        let badLines = (book.badLines + rejected).sorted { $0.line < $1.line }
        let known = placed.count(where: \.isKnown)
        try ImportReport(ends, known, badLines, ContinuousClock.now - started)
            .show(json: options.json)
        guard badLines.isEmpty else { throw ExitCode(EX_DATAERR) }
    }

    /// Lists the invalid lines.
    ///
    /// - Throws: `invalid` if there are any and `skipInvalid` is false.
    private func checkLines(of book: PurchaseFile) throws {
        let remedy = "nothing is imported; import the other lines with --skip-invalid"
        if let line = book.badLines.first, book.badLines.count == 1, !skipInvalid {
            throw DaybookError(.invalid, "\(line); \(remedy)")
        }
        for line in book.badLines { Output.printError("orders: \(line)") }
        try require(
            book.badLines.isEmpty || skipInvalid, .invalid,
            "\(book.badLines.count) lines are invalid: \(remedy)")
    }

    private static func amount(
        _ text: String, of option: String, _ currency: Currency
    ) throws -> Money {
        let amount = try Money(text, in: currency)
        try require(amount.amount >= 0, .invalid, "\(option) must be 0 or more, not \(amount)")
        return amount
    }

    /// Reads the file and checks each line as the orders service would.
    private func read(_ currency: Currency, _ work: OrderImport) throws -> PurchaseFile {
        let text: String
        do { text = try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw DaybookError(
                .invalid, "the order book \(file) can't be read; it must be a UTF-8 file")
        }
        let now = Timestamp.now()
        var book = PurchaseFile(text, limit: limit, currency, now: now)
        book.reject { purchase in
            let order = ImportIDs.order(purchase, from: work.source)
            let command = purchase.command(order, now: now, lifetime: work.lifetime)
            do {
                _ = try Orders.decide(.place(command), given: Orders.initial)
                return nil
            } catch {
                return "\(error)"
            }
        }
        return book
    }
}

private func printOrders(_ views: [Listed<OrderView>]) throws {
    try Output.table(
        views, id: "order",
        ["customer", "status", "itemsTotal", "shipping", "total", "destination", "arrivesAt"],
        headers: ["itemsTotal": "items", "destination": "to", "arrivesAt": "arrives"])
}
