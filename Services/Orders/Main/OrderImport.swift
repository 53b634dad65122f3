import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Observability
import WireProtocol

/// Places the orders of an order book.
struct OrderImport: Sendable {
    /// The timeout of a call. ``ImportProgress`` ends the import earlier if it makes no progress.
    private static let callTimeout: Duration = .seconds(120)
    /// How many orders one query asks about.
    private static let chunkSize = 1000

    let source: String
    let funds: Money
    let credit: Money
    let lifetime: Duration
    /// How many commands are in flight at a time.
    let window: Int
    let home: String
    let actor: String
    let timeout: Duration

    /// The result of placing a purchase.
    struct Placed: Sendable {
        /// The id of the order, or nil if it was rejected.
        var order: String?
        /// Whether an earlier import has placed the order.
        var isKnown = false
        /// The line of the rejected order, or nil.
        var badLine: BadLine?
    }

    // MARK: Accounts

    /// Gives each customer an account, money and a credit limit, once.
    func openAccounts(of purchases: [Purchase]) async throws {
        let customers = Set(purchases.map(\.customer)).sorted()
        _ = try await with("balance") { balance in
            try await with("credit") { credit in
                try await with("creditLimit") { creditLimit in
                    try await watch("accounts", total: customers.count) { progress in
                        try await forEach(customers, progress) { customer in
                            try await openAccount(customer, balance, credit, creditLimit)
                        }
                    }
                }
            }
        }
    }

    private func openAccount(
        _ customer: String, _ balance: ServiceClient, _ credit: ServiceClient,
        _ creditLimit: ServiceClient
    ) async throws {
        let open = OpenAccount(
            account: customer, currency: funds.currency, openedAt: Timestamp.now())
        do {
            _ = try await retrying {
                try await balance.command(
                    OpenAccount.name, open, id: ImportIDs.customer(customer, "open"))
            }
        } catch let error as ProtocolError where error.code == .rejected {
            // The account may be open already. If it is not, the next command fails and says why.
        }
        if funds.amount > 0 {
            try await once {
                try await credit.command(
                    CreditMoney.name, CreditMoney(account: customer, amount: funds),
                    id: ImportIDs.customer(customer, "credit"), mayBeRepeat: true)
            }
        }
        try await once {
            try await creditLimit.command(
                SetCreditLimit.name, SetCreditLimit(customer: customer, limit: self.credit),
                id: ImportIDs.customer(customer, "limit"), mayBeRepeat: true)
        }
    }

    /// Sends a command on a customer, unless an earlier import has sent it, perhaps with another
    /// amount.
    private func once(_ command: () async throws -> CommandReply) async throws {
        do {
            _ = try await retrying(command)
        } catch let error as ProtocolError where error.code == .idReused {
            // The earlier import's amount stays, whatever this one's options say.
        }
    }

    // MARK: Orders

    /// Places the orders that do not exist yet, and returns the result for each purchase.
    func place(_ purchases: [Purchase]) async throws -> [Placed] {
        let now = Timestamp.now()
        return try await with(OrdersService.name) { orders in
            try await watch("orders placed", total: purchases.count) { progress in
                let head =
                    source == ImportIDs.numberedSource
                    ? try await retrying { try await self.head() } : nil
                return try await forEach(purchases, progress) { purchase in
                    if let head, try await isNumbered(purchase, atLeast: head, orders) {
                        return Placed(order: ImportIDs.numbered(purchase), isKnown: true)
                    }
                    return try await place(purchase, now: now, orders)
                }
            }
        }
    }

    private func place(
        _ purchase: Purchase, now: Timestamp, _ orders: ServiceClient
    ) async throws -> Placed {
        let order = ImportIDs.order(purchase, from: source)
        let command = purchase.command(order, now: now, lifetime: lifetime)
        do {
            let reply = try await retrying {
                try await orders.command(
                    PlaceOrder.name, command, id: ImportIDs.placing(order))
            }
            return Placed(order: order, isKnown: reply.result == .repeated)
        } catch let error as ProtocolError where error.code == .idReused {
            // The id derives from the line, so this is the order of an earlier import, of a version
            // that made another order of the line.
            return Placed(order: order, isKnown: true)
        } catch let error as ProtocolError where error.code == .rejected {
            return Placed(badLine: BadLine(line: purchase.line, reason: error.description))
        }
    }

    /// Returns whether an earlier version has placed this purchase under the number of its line.
    private func isNumbered(
        _ purchase: Purchase, atLeast head: UInt64, _ orders: ServiceClient
    ) async throws -> Bool {
        do {
            let view: OrderView = try await retrying {
                try await orders.query("order", ImportIDs.numbered(purchase), atLeast: head)
            }
            return view.customer == purchase.customer && view.items == [purchase.item]
                && view.placedAt == purchase.placedAt && view.destination == purchase.destination
        } catch let error as ProtocolError where error.code == .rejected {
            return false
        }
    }

    /// Returns the last position of the log. A query with it sees every event up to there.
    private func head() async throws -> UInt64 {
        try await EventStoreConnection.with(nil, home: home, timeout: timeout) {
            try await $0.welcome(timeout: timeout).head
        }
    }

    // MARK: Sagas

    /// Waits until none of the orders is pending.
    ///
    /// - Returns: the number of orders by their final status.
    func awaitEnds(of ids: [String]) async throws -> [String: Int] {
        let chunks = stride(from: 0, to: ids.count, by: Self.chunkSize).map {
            Array(ids[$0..<min($0 + Self.chunkSize, ids.count)])
        }
        return try await with(OrdersService.name) { orders in
            try await watch("orders ended", total: ids.count) { progress in
                try await ends(of: chunks, orders, progress)
            }
        }
    }

    private func ends(
        of chunks: [[String]], _ orders: ServiceClient, _ progress: ImportProgress
    ) async throws -> [String: Int] {
        var ended: [String: Int] = [:]
        var open = chunks
        while !open.isEmpty {
            var (count, rest): (Int, [[String]]) = (ended.values.reduce(0, +), [])
            for chunk in open {
                let counts = try await retrying {
                    try await orders.query("count", chunk, as: [String: Int].self)
                }
                let known = counts.values.reduce(0, +)
                count += known - (counts["pending"] ?? 0)
                if counts["pending"] == nil, known == chunk.count {
                    ended.merge(counts, uniquingKeysWith: +)
                } else {
                    rest.append(chunk)
                }
            }
            await progress.advance(to: count)
            open = rest
            // The services are still at work. The pause keeps the queries from slowing them down.
            if !open.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        }
        return ended
    }

    // MARK: Calls

    private func watch<Result: Sendable>(
        _ title: String, total: Int,
        _ body: @escaping @Sendable (ImportProgress) async throws -> Result
    ) async throws -> Result {
        try await ImportProgress(
            title, total: total, obstacles: Obstacles(home: home, actor: actor), timeout: timeout
        ).watch(body)
    }

    private func with<Result: Sendable>(
        _ service: String, _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        try await ServiceClient.with(
            service, at: Endpoints.endpoint(of: service, home: home), timeout: Self.callTimeout,
            actor: actor, body)
    }

    /// Runs `body` for each element, up to `window` at a time.
    ///
    /// - Returns: the results, in the order of the elements.
    private func forEach<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ progress: ImportProgress,
        _ body: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results: [Result?] = Array(repeating: nil, count: elements.count)
            func collectNext() async throws {
                guard let (index, result) = try await group.next() else { return }
                results[index] = result
                await progress.advance()
            }
            for (index, element) in elements.enumerated() {
                if index >= window { try await collectNext() }
                group.addTask { (index, try await body(element)) }
            }
            for _ in 0..<min(window, elements.count) { try await collectNext() }
            return results.compactMap(\.self)
        }
    }
}

extension ServiceClient {
    /// Returns the result of `body`, which gets a client of a service that is closed afterwards.
    static func with<Result>(
        _ service: String, at endpoint: String, timeout: Duration, actor: String,
        _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        let client = try await ServiceClient(
            endpoint: endpoint, of: service, timeout: timeout, actor: actor)
        return try await closing(client.close) { try await body(client) }
    }
}
