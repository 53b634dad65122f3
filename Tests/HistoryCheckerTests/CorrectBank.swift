import AccountDomain
import Contracts
import EventSourcing
import HistoryChecker
import TestSupport

let usd = try! Currency("USD")  // USD is a known code.
let time = Timestamp(microseconds: 0)
func money(_ amount: Int64) -> Money { Money(amount, usd) }
func id(_ number: UInt64) -> EventID { EventID(high: 1, low: number) }

func withdraw(_ amount: Int64) -> Account.Command {
    .withdraw(WithdrawMoney(account: "a", amount: money(amount)))
}

func withdrawn(_ amount: Int64) -> AccountEvent {
    .withdrawn(MoneyWithdrawn(account: "a", amount: money(amount), reference: ""))
}

func credited(_ amount: Int64) -> (Account.Command, AccountEvent) {
    (
        .credit(CreditMoney(account: "a", amount: money(amount))),
        .credited(
            MoneyCredited(account: "a", amount: money(amount), repaid: money(0), reference: ""))
    )
}

func reserved(_ amount: Int64) -> AccountEvent {
    .reserved(
        FundsReserved(
            account: "a", order: "o", total: money(amount), fromBalance: money(amount),
            shortfall: money(0)))
}

func recorded(_ event: AccountEvent, _ id: EventID, in account: String = "a")
    -> Recorded<AccountEvent>
{
    let stream = try! StreamName(category: "account", id: account)  // The name is valid.
    return Recorded(
        event, position: 0, stream: stream, revision: 0, id: id, time: time, correlationID: id)
}

/// Accounts that many clients use at the same time. Each call takes effect at one moment between
/// its start and its end. Some calls lose their answer, and some of those have no effect.
struct CorrectBank {
    private struct Open {
        var call: Call<Account>
        var isDone = false
    }

    private(set) var calls: [Call<Account>] = []
    private(set) var log: [Recorded<AccountEvent>] = []
    private var states: [String: Account.State] = [:]
    private var open: [Open] = []
    private var random: SplitMix
    private var now: UInt64 = 0

    init(seed: UInt64) { random = SplitMix(state: seed) }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            now += 1
            switch Int.random(in: 0..<3, using: &random) {
            case 0 where open.count < 6: begin()
            case 1: try takeEffect()
            default: end()
            }
        }
        while !open.isEmpty { end() }
    }

    private mutating func begin() {
        let account = Bool.random(using: &random) ? "a" : "b"
        let effect = id(now)
        let request: Call<Account>.Request =
            Int.random(in: 0..<4, using: &random) == 0
            ? .question(about: account, figure: "", holds: { _ in true })
            : .command(command(account), id: { _ in effect })
        open.append(Open(call: Call(request, .unknown, started: now, ended: 0)))
    }

    private mutating func command(_ account: String) -> Account.Command {
        let amount = money(Int64.random(in: 1...900, using: &random))
        return switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: .open(OpenAccount(account: account, currency: usd, openedAt: time))
        case 2...4: .credit(CreditMoney(account: account, amount: amount))
        case 5...7: .withdraw(WithdrawMoney(account: account, amount: amount))
        case 8: .release(account: account, order: "o")
        default: .reserve(account: account, order: "o", total: amount)
        }
    }

    private mutating func takeEffect() throws {
        guard let index = open.indices.randomElement(using: &random), !open[index].isDone else {
            return
        }
        open[index].isDone = true
        switch open[index].call.request {
        case .question(let account, _, _):
            let funds = (states[account] ?? Account.initial).funds
            open[index].call.request = .question(
                about: account, figure: "\(funds)", holds: { $0.funds == funds })
            open[index].call.answer = .answered
        case .command(let command, let id):
            open[index].call.answer = answer(command, id(0))
        }
    }

    private mutating func answer(
        _ command: Account.Command, _ id: EventID
    ) -> Call<Account>.Answer {
        let account = Account.id(of: command)
        do {
            let events = try Account.decide(command, given: states[account] ?? Account.initial)
            guard let event = events.first else { return .nothing }
            Account.evolve(&states[account, default: Account.initial], with: event)
            var entry = recorded(event, id, in: account)
            entry.position = UInt64(log.count) + 1
            log.append(entry)
            return .acknowledged(position: entry.position)
        } catch {
            return .rejected(error.description)
        }
    }

    private mutating func end() {
        guard let index = open.indices.randomElement(using: &random) else { return }
        var call = open.remove(at: index).call
        // One call in eight loses its answer. A call without an effect has no answer, either.
        if Int.random(in: 0..<8, using: &random) == 0 { call.answer = .unknown }
        call.ended = now
        calls.append(call)
    }
}
