import ArgumentParser
import CommandLine
import Contracts
import EventSourcing
import Foundation
import Observability
import OrdersDomain
import WireProtocol

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Place the orders of an order book, and wait until all their sagas have ended.",
        discussion: """
            A line is a customer, a date (YYYYMMDD), a number of items and their total price. \
            Each customer gets an account, money and a credit limit.

            The id of an order derives from the source, the line's fields, and the number of \
            earlier lines in the file with the same fields. So an import can be repeated, and a \
            file that has grown adds only its new lines. Earlier versions numbered the orders by \
            line: --source cdnow recognises those.

            Invalid lines are listed with their numbers, and the exit status is 65. Nothing is \
            imported then, unless --skip-invalid is given.
            """)
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
        guard limit > 0, (1...512).contains(window) else {
            throw ValidationError("--limit must be above 0, and --window must be 1 to 512")
        }
        guard deadline > 0, deadline < 1e9 else {
            throw ValidationError("--deadline must be above 0 and below 1000000000 seconds")
        }
        guard source != "" else { throw ValidationError("--source must not be empty") }
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
        let placing = try await work.place(book.purchases)
        for line in placing.badLines { Output.printError("orders: \(line)") }
        let ends = try await work.awaitEnds(of: placing.orders)
        let badLines = (book.badLines + placing.badLines).sorted { $0.line < $1.line }
        try Report(ends, placing.known, badLines, ContinuousClock.now - started).show(options)
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
        guard book.badLines.isEmpty || skipInvalid else {
            throw DaybookError(.invalid, "\(book.badLines.count) lines are invalid: \(remedy)")
        }
    }

    private static func amount(
        _ text: String, of option: String, _ currency: Currency
    ) throws -> Money {
        let amount = try Money(text, in: currency)
        guard amount.amount >= 0 else {
            throw DaybookError(.invalid, "\(option) must be 0 or more, not \(amount)")
        }
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

    private struct Report: Encodable {
        /// The number of orders by their final status.
        let orders: [String: Int]
        /// How many of the orders were placed by an earlier import.
        let known: Int
        let invalidLines: [BadLine]
        let seconds: Double
        let sagasPerSecond: Double

        init(
            _ orders: [String: Int], _ known: Int, _ invalidLines: [BadLine], _ time: Duration
        ) {
            self.orders = orders
            self.known = known
            self.invalidLines = invalidLines
            seconds = time / .seconds(1)
            sagasPerSecond = Double(orders.values.reduce(0, +)) / max(seconds, 0.001)
        }

        func show(_ options: CallOptions) throws {
            if options.json { return try Output.json(self) }
            let ends = orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            let total = orders.values.reduce(0, +)
            print(
                "\(total) sagas ended" + (ends.isEmpty ? "" : ": \(ends.joined(separator: ", "))"))
            if known > 0 { print("\(known) of them were placed by an earlier import") }
            if !invalidLines.isEmpty {
                print("\(invalidLines.count) invalid lines were not imported")
            }
            let rate = String(format: "%.0f", sagasPerSecond)
            print("\(rate) sagas/s, in \(String(format: "%.1f", seconds)) s")
        }
    }
}
