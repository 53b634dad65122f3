import ArgumentParser
import AuditDomain
import Contracts
import EventSourcing
import EventStoreClient
public import ServiceKit
import WireProtocol

extension Executable {
    public static let audit = Executable("audit", AuditCommand.self)
}

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check the books: every invariant at every position of the log.",
        discussion: """
            The figures are computed from the log alone. With --compare the command first waits \
            until the services have reacted to all of it, but for dead letters and what waits \
            behind them, then holds the figures against those that they show, which must be equal. \
            Exits with 65 if anything does not hold.
            """)

    @OptionGroup var options: CallOptions
    @Option(help: "Where the event store is (DAYBOOK_EVENT_STORE_ENDPOINT).")
    var eventStore: String?
    @Flag(help: "Compare with what the services show.") var compare = false
    @Flag(help: "Sagas are under way: do not ask that they have ended.") var running = false

    func run() async throws {
        var problems = compare ? try await settled() : []
        var (audit, head) = try await readLog()
        if !running { audit.close() }
        problems += audit.violations.map(\.description)
        if compare { problems += try await differences(from: audit, at: head) }
        try report(audit, head, problems)
        guard problems.isEmpty else { throw ExitCode(65) }
    }

    private func readLog() async throws -> (Audit, head: UInt64) {
        var audit = Audit()
        var head: UInt64 = 0
        try await EventStoreConnection.with(eventStore, home: options.home) { client in
            let total = try await client.welcome(timeout: .seconds(options.timeout)).head
            var bar = ProgressBar("audit", total: Int(total))
            for try await batch in client.read(ReadRequest(from: 1, to: total)) {
                for record in batch.events {
                    head = record.position
                    for recorded in try Recorded<Audit.Event>.events(in: record, by: Audit.self) {
                        audit.record(recorded.event, at: record.position)
                    }
                }
                bar.show(Int(head))
            }
            bar.end()
        }
        return (audit, head)
    }

    /// Waits until the services have reacted to the whole log.
    ///
    /// - Returns: what they could not react to.
    private func settled() async throws -> [String] {
        try await EventStoreConnection.with(eventStore, home: options.home) { store in
            let bus = try await ServiceClient(
                endpoint: try await store.busEndpoint(), of: "event-store",
                timeout: .seconds(options.timeout),
                actor: options.actor)
            let queues = try await Settling(store: store, bus: bus).queues(
                ["orders", "route", "balance", "creditLimit"], within: .seconds(options.timeout))
            await bus.close()
            return queues.filter { $0.deadLetters > 0 }.map { view in
                "queue \(view.queue.name) has dead letters, \(view.deadLetters) of them, and "
                    + "\(view.waitingBehindDead) events that wait behind them: see "
                    + "event-store dlq list"
            }
        }
    }

    // MARK: Read models

    private func differences(from audit: Audit, at head: UInt64) async throws -> [String] {
        let accounts: [AccountView] = try await ask("balance", "accounts", head)
        let shown = Dictionary(
            uniqueKeysWithValues: accounts.map {
                ($0.id, Audit.AccountFigures(funds: $0.funds, held: $0.held, owed: $0.owed))
            })
        let limits: [CreditLimitView] = try await ask("creditLimit", "limits", head)
        let shownLimits = Dictionary(
            uniqueKeysWithValues: limits.map {
                ($0.id, Audit.LimitFigures(limit: $0.limit, reserved: $0.reserved, used: $0.used))
            })
        let counts: [String: Int] = try await ask("orders", "summary", head)
        let outcomes = audit.outcomes
        let expected = [
            "pending": outcomes.pending, "confirmed": outcomes.confirmed,
            "rejected": outcomes.rejected, "cancelled": outcomes.cancelled,
        ].filter { $0.value > 0 }
        // An order that took no credit leaves a stream without a limit, of which nothing is shown.
        let nothing = Audit.LimitFigures(limit: 0, reserved: 0, used: 0)
        let known = audit.limitFigures.filter { $0.value != nothing || shownLimits[$0.key] != nil }
        return differences("account", audit.accountFigures, shown)
            + differences("credit limit", known, shownLimits)
            + differences("number of orders", expected, counts)
    }

    private func ask<Answer: Decodable>(
        _ service: String, _ query: String, _ head: UInt64
    ) async throws -> Answer {
        let client = try await ServiceClient(
            endpoint: Endpoints.endpoint(of: service, home: options.home), of: service,
            timeout: .seconds(options.timeout), actor: options.actor)
        let answer: Answer = try await client.query(query, Nothing(), atLeast: head)
        await client.close()
        return answer
    }

    private func differences<Figures: Equatable>(
        _ what: String, _ log: [String: Figures], _ shown: [String: Figures]
    ) -> [String] {
        Set(log.keys).union(shown.keys).sorted().compactMap { key in
            guard log[key] != shown[key] else { return nil }
            func text(_ figures: Figures?) -> String { figures.map { "\($0)" } ?? "nothing" }
            return "\(what) \(key): the log says \(text(log[key])), the service \(text(shown[key]))"
        }
    }

    // MARK: The report

    private struct Report: Encodable {
        let head: UInt64
        let orders: [String: Int]
        let totals: [String: Audit.Totals]
        let compared: Bool
        let problems: [String]
    }

    private func report(_ audit: Audit, _ head: UInt64, _ problems: [String]) throws {
        let outcomes = audit.outcomes
        let orders = [
            "pending": outcomes.pending, "confirmed": outcomes.confirmed,
            "rejected": outcomes.rejected, "cancelled": outcomes.cancelled,
        ]
        let totals = Dictionary(
            uniqueKeysWithValues: audit.totals.map { ($0.key.description, $0.value) })
        if options.json {
            return try Output.json(
                Report(
                    head: head, orders: orders, totals: totals, compared: compare,
                    problems: problems))
        }
        print("\(head) events, \(audit.orderCount) orders:", terminator: " ")
        print(
            orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(
                separator: ", "))
        Output.table(
            ["currency", "credits", "withdrawals", "captures", "refunds", "balances"],
            audit.totals.sorted { $0.key.description < $1.key.description }.map { currency, total in
                ["\(currency)"]
                    + [
                        total.credits, total.withdrawals, total.captures, total.refunds,
                        total.balances,
                    ].map { Money($0, currency).amountText }
            })
        for problem in problems { print("VIOLATED \(problem)") }
        if problems.isEmpty {
            print("every invariant holds" + (compare ? ", and the services show the same" : ""))
        }
    }
}
