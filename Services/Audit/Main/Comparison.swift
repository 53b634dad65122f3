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
        let views: [AccountView] = try await ask("balance", "accounts")
        let shown = Dictionary(views.map { ($0.id, Audit.AccountFigures($0)) }) { $1 }
        return differences("account", audit.accountFigures, shown)
    }

    private func limits() async throws -> [Finding] {
        let views: [CreditLimitView] = try await ask("creditLimit", "limits")
        let shown = Dictionary(views.map { ($0.id, Audit.LimitFigures($0)) }) { $1 }
        // An order that took no credit leaves a stream without a limit, which no service shows.
        let known = audit.limitFigures.filter { !$0.value.isZero || shown[$0.key] != nil }
        return differences("credit limit", known, shown)
    }

    private func orders() async throws -> [Finding] {
        let shown: [String: Int] = try await ask("orders", "summary")
        let expected = audit.ordersByStatus.filter { $0.value > 0 }
        return differences("number of orders", expected, shown)
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

    private func differences<Value: Equatable>(
        _ what: String, _ log: [String: Value], _ shown: [String: Value]
    ) -> [Finding] {
        func text(_ value: Value?) -> String { value.map { "\($0)" } ?? "nothing" }
        return Set(log.keys).union(shown.keys).sorted().compactMap { key in
            guard log[key] != shown[key] else { return nil }
            let (log, shown) = (text(log[key]), text(shown[key]))
            return Finding(
                .difference, "\(what) \(key): the log says \(log), the service shows \(shown)")
        }
    }
}
