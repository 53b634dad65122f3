import AuditDomain
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import ServiceRuntime
import WireProtocol

/// Compares the audit's figures with those that the services show, and has every service compare
/// its store with the log.
struct Comparison {
    let options: CallOptions
    let audit: Audit
    let head: UInt64

    /// Returns the differences, and the services that could not be compared, each with the reason.
    func run() async throws -> (differences: [Finding], failures: [String]) {
        var differences: [Finding] = []
        var failures: [String] = []
        func add(_ compare: () async throws -> [Finding]) async throws {
            do {
                differences += try await compare()
            } catch let error as any ClassifiedError where error.kind == .unavailable {
                failures.append("\(error)")
            }
        }
        for compare in [accounts, limits, orders] { try await add(compare) }
        for service in Endpoints.services(home: options.home).keys.sorted() {
            try await add { try await rows(of: service) }
        }
        return (differences, failures)
    }

    /// Returns the differences between the rows of the service's store, in all fields, and those
    /// that the service's own projection makes of the log.
    private func rows(of service: String) async throws -> [Finding] {
        // A comparison may take long, but a service that does not run is found at once.
        var short = options
        (short.endpoint, short.timeout) = (nil, min(options.timeout, 5))
        _ = try await short.with(service) {
            try await $0.query("status", Nothing(), as: ServiceStatus.self)
        }
        let rows: [RowDifference] = try await ask(
            service, ComparisonRequest.name, ComparisonRequest())
        return rows.map { row in
            func text(_ value: String?) -> String { value ?? "nothing" }
            let field = row.field.map { ", \($0)" } ?? ""
            return Finding(
                .difference,
                "\(service)'s table \(row.table), row \(row.row)\(field): the log says "
                    + "\(text(row.log)), the store has \(text(row.shown)); mend it with: "
                    + "\(service) rebuild")
        }
    }

    private func accounts() async throws -> [Finding] {
        let views: [Listed<AccountView>] = try await ask("balance", "accounts")
        let shown = shown(views, Audit.AccountFigures.init)
        return differences("account", audit.accountFigures, shown, but: audit.stopped("account"))
    }

    private func limits() async throws -> [Finding] {
        let views: [Listed<CreditLimitView>] = try await ask("creditLimit", "limits")
        let shown = shown(views, Audit.LimitFigures.init)
        // An order that took no credit leaves a stream without a limit, which no service shows.
        let known = audit.limitFigures.filter { !$0.value.isZero || shown[$0.key] != nil }
        return differences("credit limit", known, shown, but: audit.stopped("creditLimit"))
    }

    private func orders() async throws -> [Finding] {
        let shown: [String: Int] = try await ask("orders", "summary")
        let expected = audit.ordersByStatus.filter { $0.value > 0 }
        // Nobody knows the status of an order that has stopped.
        if let stopped = shown["stopped"] {
            guard !audit.hasStopped else { return [] }
            return [Finding(.difference, "orders can't read events of \(stopped) orders")]
        }
        return differences("number of orders", expected, shown)
    }

    /// Returns the figures of the rows, by id. They are nil for an entity that has stopped.
    private func shown<View, Figures>(
        _ views: [Listed<View>], _ figures: (View) -> Figures
    ) -> [String: Figures?] {
        Dictionary(views.map { ($0.id, $0.row.map(figures)) }) { $1 }
    }

    private func ask<Query: Codable & Sendable, Answer: Decodable>(
        _ service: String, _ query: String, _ argument: Query = Nothing()
    ) async throws -> Answer {
        var options = options
        // The command's own --endpoint does not belong to any service.
        options.endpoint = nil
        return try await options.with(service) {
            try await $0.query(query, argument, atLeast: head)
        }
    }

    /// - Parameter unknown: the keys that are not compared, because the audit can't read an event.
    private func differences<Value: Equatable>(
        _ what: String, _ log: [String: Value], _ shown: [String: Value?],
        but unknown: Set<String> = []
    ) -> [Finding] {
        let keys = Set(log.keys).union(shown.keys).subtracting(unknown)
        return keys.sorted().compactMap { key in
            let view: String
            switch shown[key] {
            case .some(let value?):
                guard log[key] != value else { return nil }
                view = "\(value)"
            case .some(nil): view = "that it has stopped at an event that it can't read"
            case nil: view = "nothing"
            }
            let log = log[key].map { "\($0)" } ?? "nothing"
            return Finding(
                .difference, "\(what) \(key): the log says \(log), the service shows \(view)")
        }
    }
}
