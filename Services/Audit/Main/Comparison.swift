import AuditDomain
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import WireProtocol

/// Compares the audit's figures with those that the services show.
struct Comparison {
    let options: CallOptions
    let audit: Audit
    let head: UInt64

    /// Returns the differences, and the services that could not be compared, each with the reason.
    func run() async throws -> (differences: [Finding], failures: [String]) {
        var differences: [Finding] = []
        var failures: [String] = []
        for compare in [accounts, limits, orders] {
            do {
                differences += try await compare()
            } catch let error as DaybookError where error.kind == .unavailable {
                failures.append("\(error)")
            } catch let error as ProtocolError where error.code == .unavailable {
                failures.append("\(error)")
            }
        }
        return (differences, failures)
    }

    private func accounts() async throws -> [Finding] {
        let views: [AccountView] = try await ask("balance", "accounts")
        let shown = Dictionary(
            views.map {
                (
                    $0.id,
                    Audit.AccountFigures(
                        funds: Int128($0.funds), held: Int128($0.held), owed: Int128($0.owed))
                )
            }, uniquingKeysWith: { $1 })
        return differences("account", audit.accountFigures, shown)
    }

    private func limits() async throws -> [Finding] {
        let views: [CreditLimitView] = try await ask("creditLimit", "limits")
        let shown = Dictionary(
            views.map {
                (
                    $0.id,
                    Audit.LimitFigures(
                        limit: Int128($0.limit), reserved: Int128($0.reserved),
                        used: Int128($0.used))
                )
            }, uniquingKeysWith: { $1 })
        // An order that took no credit leaves a stream without a limit, which no service shows.
        let nothing = Audit.LimitFigures(limit: 0, reserved: 0, used: 0)
        let known = audit.limitFigures.filter { $0.value != nothing || shown[$0.key] != nil }
        return differences("credit limit", known, shown)
    }

    private func orders() async throws -> [Finding] {
        let shown: [String: Int] = try await ask("orders", "summary")
        let outcomes = audit.outcomes
        let expected = [
            "pending": outcomes.pending, "confirmed": outcomes.confirmed,
            "rejected": outcomes.rejected, "cancelled": outcomes.cancelled,
        ].filter { $0.value > 0 }
        return differences("number of orders", expected, shown)
    }

    private func ask<Answer: Decodable>(
        _ service: String, _ query: String
    ) async throws -> Answer {
        let client = try await ServiceClient(
            endpoint: Endpoints.endpoint(of: service, home: options.home), of: service,
            timeout: .seconds(options.timeout), actor: options.actor)
        do {
            let answer: Answer = try await client.query(query, Nothing(), atLeast: head)
            await client.close()
            return answer
        } catch {
            await client.close()
            throw error
        }
    }

    private func differences<Value: Equatable>(
        _ what: String, _ log: [String: Value], _ shown: [String: Value]
    ) -> [Finding] {
        Set(log.keys).union(shown.keys).sorted().compactMap { key in
            guard log[key] != shown[key] else { return nil }
            let (log, shown) = ("\(log[key], or: "nothing")", "\(shown[key], or: "nothing")")
            return Finding(
                .difference, "\(what) \(key): the log says \(log), the service shows \(shown)")
        }
    }
}

extension DefaultStringInterpolation {
    fileprivate mutating func appendInterpolation(_ value: (some Any)?, or absent: String) {
        appendLiteral(value.map { "\($0)" } ?? absent)
    }
}
