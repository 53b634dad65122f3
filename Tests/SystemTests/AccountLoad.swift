import AccountDomain
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import HistoryChecker
import IntegrationHarness
import Observability
import Synchronization
import TestSupport
import WireProtocol

/// Clients that use two accounts through three services which decide on the same streams. It keeps
/// their calls and the answers, for a HistoryChecker.
final class AccountLoad: Sendable {
    private struct History {
        var calls: [Call<Account>] = []
        var isStopped = false
        /// The highest position that was acknowledged to any client.
        var known: UInt64 = 0
        var clock: UInt64 = 0
        /// The continuation to resume once the history has `count` calls.
        var waiter: (count: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let clients: [String: ServiceClient]
    private let history = Mutex(History())

    init(_ suite: IntegrationHarness.Suite) async throws {
        var clients: [String: ServiceClient] = [:]
        for service in ["balance", "withdraw", "credit"] {
            clients[service] = try await suite.client(of: service)
        }
        self.clients = clients
    }

    var calls: [Call<Account>] { history.withLock { $0.calls } }

    func stop() { history.withLock { $0.isStopped = true } }

    func close() async { for client in clients.values { await client.close() } }

    /// Waits until `count` more calls have ended.
    func waitForCalls(_ count: Int) async {
        await withCheckedContinuation { continuation in
            history.withLock { history in
                history.waiter = (history.calls.count + count, continuation)
            }
        }
    }

    func openAccounts() async throws {
        for account in ["hot1", "hot2"] {
            let open = OpenAccount(account: account, currency: usd, openedAt: .now())
            await command(.open(open), "balance", OpenAccount.name, open)
        }
    }

    /// Makes calls, with `pause` after each, until the load ends.
    func work(seed: UInt64, pause: Duration = .zero) async throws {
        var random = SplitMix(state: seed)
        while !history.withLock({ $0.isStopped }) {
            // Holds the rate: the history of a long load must fit into memory.
            if pause > .zero { try await Task.sleep(for: pause) }
            let account = Bool.random(using: &random) ? "hot1" : "hot2"
            let amount = Money(Int64.random(in: 1...500, using: &random), usd)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let command = WithdrawMoney(account: account, amount: amount)
                await self.command(.withdraw(command), "withdraw", WithdrawMoney.name, command)
            case 4..<8:
                let command = CreditMoney(account: account, amount: amount)
                await self.command(.credit(command), "credit", CreditMoney.name, command)
            default: await ask(account)
            }
        }
    }

    private func command(
        _ decided: Account.Command, _ service: String, _ name: String,
        _ command: some Codable & Sendable
    ) async {
        let id = EventID.random()
        await call { client, _ in
            let reply = try await client.command(name, command, id: id)
            let answer = reply.position.map(Call<Account>.Answer.acknowledged) ?? .nothing
            return (.command(decided, id: { id.derived("\($0)") }), answer)
        } failure: { error in
            let request = Call<Account>.Request.command(decided, id: { id.derived("\($0)") })
            // After any other error the command may or may not have taken effect.
            guard let error = error as? ProtocolError, error.code == .rejected else {
                return (request, .unknown)
            }
            return (request, .rejected(error.message))
        } at: {
            service
        }
    }

    private func ask(_ account: String) async {
        await call { client, known in
            let view = try await client.query(
                "account", account, atLeast: known, as: AccountView.self)
            let request = Call<Account>.Request.question(
                about: account, figure: "funds \(view.funds), held \(view.held)",
                holds: { $0.funds == view.funds && $0.held == view.held && $0.owed == view.owed })
            return (request, .answered)
        } failure: { _ in
            (.question(about: account, figure: "", holds: { _ in false }), .unknown)
        } at: {
            "balance"
        }
    }

    private typealias Exchange = (Call<Account>.Request, Call<Account>.Answer)

    private func call(
        _ body: (ServiceClient, UInt64) async throws -> Exchange,
        failure: (any Error) -> Exchange, at service: () -> String
    ) async {
        guard let client = clients[service()] else { return }
        let (started, known) = history.withLock { history in
            history.clock += 1
            return (history.clock, history.known)
        }
        let exchange: Exchange
        do { exchange = try await body(client, known) } catch { exchange = failure(error) }
        let waiter = history.withLock { history in
            history.clock += 1
            if case .acknowledged(let position) = exchange.1 {
                history.known = max(history.known, position)
            }
            history.calls.append(
                Call(
                    exchange.0, exchange.1, started: started, ended: history.clock, known: known))
            guard let waiter = history.waiter, history.calls.count >= waiter.count else {
                return CheckedContinuation<Void, Never>?.none
            }
            history.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }
}

extension Suite {
    func accountEvents() async throws -> [Recorded<AccountEvent>] {
        let store = try await eventStore()
        var events: [Recorded<AccountEvent>] = []
        for try await record in store.read(ReadRequest(.categories([Account.category]))).events {
            events += try Recorded<AccountEvent>.required(in: record, by: Account.self)
        }
        await store.close()
        return events
    }
}
