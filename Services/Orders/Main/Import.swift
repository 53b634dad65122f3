import ArgumentParser
import Contracts
import EventSourcing
import Foundation
import ServiceKit
import WireProtocol

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Place the orders of an order book, and wait until all their sagas have ended.",
        discussion: """
            A line is a customer, a date (YYYYMMDD), a number of items and their price together. \
            Each customer gets an account, money and a credit limit. An import that was broken off \
            can be made again: what is there is left alone.
            """)
    @OptionGroup var options: CallOptions
    @Argument(help: "The file, its first line a header.") var file: String
    @Option(help: "Import so many orders.") var limit = Int.max
    @Option(help: "What is paid into each account.") var funds = "200.00"
    @Option(help: "Each customer's credit limit.") var credit = "100.00"
    @Option(help: "So many orders are on their way at a time.") var window = 64
    @Option(help: "Reject an order unless it is confirmed within so many seconds.")
    var deadline = 600.0

    func validate() throws {
        guard limit > 0, (1...512).contains(window), deadline > 0, deadline < 1e9 else {
            throw ValidationError(
                "--limit is above 0, --window is 1 to 512, --deadline is above 0 and below "
                    + "1000000000 seconds")
        }
    }

    func run() async throws {
        let usd = try Currency("USD")
        let text: String
        do { text = try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw Problem.data("the order book \(file) can't be read; it must be a UTF-8 file")
        }
        let purchases = try Purchase.parse(text, limit: limit, usd)
        let started = ContinuousClock.now
        try await openAccounts(of: purchases, Money(funds, in: usd), Money(credit, in: usd))
        let placing = ContinuousClock.now
        let ended = try await place(purchases)
        try report(ended, started: started, placing: placing)
    }

    // MARK: Accounts

    private func openAccounts(
        of purchases: [Purchase], _ funds: Money, _ limit: Money
    ) async throws {
        let customers = Array(Swift.Set(purchases.map(\.customer))).sorted()
        var bar = ProgressBar("accounts", total: customers.count)
        let balance = try await client(of: "balance")
        let credit = try await client(of: "credit")
        let creditLimit = try await client(of: "creditLimit")
        try await inWindow(customers, bar: &bar) { customer in
            // The same ids each time: what an earlier import did is not done again.
            let id = Self.namespace.derived(customer)
            let open = OpenAccount(
                account: customer, currency: funds.currency, openedAt: Timestamp.now())
            do {
                _ = try await balance.command(OpenAccount.name, open, id: id.derived("open"))
            } catch let error as ProtocolError where error.code == .refused {
                // It is open.
            }
            if funds.amount > 0 {
                _ = try await credit.command(
                    CreditMoney.name, CreditMoney(account: customer, amount: funds),
                    id: id.derived("credit"), mayBeRepeat: true)
            }
            _ = try await creditLimit.command(
                SetCreditLimit.name, SetCreditLimit(customer: customer, limit: limit),
                id: id.derived("limit"), mayBeRepeat: true)
        }
        for client in [balance, credit, creditLimit] { await client.close() }
    }

    // MARK: Orders

    /// Places all and returns, once none of them is pending, how many ended how.
    private func place(_ purchases: [Purchase]) async throws -> [String: Int] {
        let orders = try await client(of: OrderBook.serviceName)
        var bar = ProgressBar("orders", total: purchases.count)
        let (now, deadline) = (Timestamp.now(), deadline)
        try await inWindow(purchases, bar: &bar) { purchase in
            let command = PlaceOrder(
                order: purchase.order, customer: purchase.customer, items: [purchase.item],
                destination: purchase.destination, placedAt: purchase.placedAt,
                deadline: max(now, purchase.placedAt) + .seconds(deadline))
            do {
                _ = try await orders.command(
                    PlaceOrder.name, command, id: Self.namespace.derived(purchase.order))
            } catch let error as ProtocolError where error.code == .refused {
                // It was placed by an earlier import.
            }
        }
        let ids = purchases.map(\.order)
        while true {
            let counts = try await orders.query("count", ids, as: [String: Int].self)
            let pending = counts["pending"] ?? 0
            let known = counts.values.reduce(0, +)
            bar.show(known - pending, "ended")
            if pending == 0, known == ids.count {
                bar.end()
                await orders.close()
                return counts
            }
            // The services are at work; ask again when some more have ended.
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static let namespace = EventID(high: 0x6461_7962_6f6f_6b2d, low: 0xb26f_7264_6572_7300)

    private func client(of service: String) async throws -> ServiceClient {
        try await ServiceClient(
            endpoint: Endpoints.endpoint(of: service, home: options.home), of: service,
            timeout: .seconds(max(options.timeout, 120)), actor: options.actor)
    }

    /// Runs `body` for each element, up to `window` at a time.
    private func inWindow<Element: Sendable>(
        _ elements: [Element], bar: inout ProgressBar,
        _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, element) in elements.enumerated() {
                if index >= window {
                    try await group.next()
                    bar.show(index - window + 1)
                }
                group.addTask { try await body(element) }
            }
            try await group.waitForAll()
        }
        bar.show(elements.count)
        bar.end()
    }

    private func report(
        _ counts: [String: Int], started: ContinuousClock.Instant, placing: ContinuousClock.Instant
    ) throws {
        let seconds = (ContinuousClock.now - placing) / .seconds(1)
        let total = counts.values.reduce(0, +)
        let rate = Double(total) / seconds
        if options.json {
            let counts = counts.mapValues(Double.init)
            return try Output.json(
                counts.merging(["seconds": seconds, "sagasPerSecond": rate]) { $1 })
        }
        let ends = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        print("\(total) sagas ended: \(ends.joined(separator: ", "))")
        print("\(Int(rate)) sagas/s, in \(Int(seconds * 10) / 10) s")
    }
}
