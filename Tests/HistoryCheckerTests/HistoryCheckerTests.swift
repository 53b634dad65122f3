import AccountDomain
import Contracts
import EventSourcing
import HistoryChecker
import Testing

@Suite struct `History checker` {
    @Test(arguments: 0..<40)
    func `Checker finds nothing in a history of a correct system`(seed: UInt64) throws {
        var bank = CorrectBank(seed: seed)
        try bank.run(steps: 400)
        let findings = HistoryChecker(bank.calls, bank.log).findings()
        #expect(findings.isEmpty, "seed \(seed): \(findings)")
        #expect(bank.calls.count > 80)
    }

    @Test func `Histories of the correct system cover every kind of answer`() throws {
        var answers: [String: Int] = [:]
        for seed in UInt64(0)..<40 {
            var bank = CorrectBank(seed: seed)
            try bank.run(steps: 400)
            for call in bank.calls {
                let name = "\(call.answer)".prefix { $0 != "(" }
                answers[String(name), default: 0] += 1
            }
        }
        for answer in ["acknowledged", "nothing", "rejected", "answered", "unknown"] {
            #expect(answers[answer, default: 0] > 50, "\(answers)")
        }
    }

    // MARK: Planted faults

    @Test func `Checker finds an acknowledged command whose event is lost`() {
        var history = History()
        history.log.removeLast()
        #expect(history.kinds == [.lost])
    }

    @Test func `Checker finds an event that is in the log twice`() {
        var history = History()
        history.add(history.log[2])
        #expect(history.kinds.contains(.doubled))
    }

    @Test func `Checker finds a copy of an event under another id`() {
        var history = History()
        var copy = history.log[1]
        copy.id = EventID(high: 9, low: 9)
        history.add(copy)
        #expect(history.kinds == [.unexplained])
        #expect(history.kinds { $0.id == copy.id } == [])
    }

    @Test func `Checker finds an event with another amount than the command's`() {
        var history = History()
        history.log[2].event = withdrawn(700)
        #expect(history.kinds == [.wrongEvent])
    }

    @Test func `Checker finds an event that the state before it does not allow`() {
        var history = History()
        // Without the credit of 10.00 there are no funds to withdraw.
        history.log.remove(at: 1)
        #expect(history.kinds.contains(.wrongEvent))
    }

    @Test func `Checker finds an acknowledgement with a wrong position`() {
        var history = History()
        history.calls[2].answer = .acknowledged(position: 7)
        #expect(history.kinds == [.wrongPosition])
    }

    @Test func `Checker finds a rejection based on a state older than the call`() {
        var history = History()
        history.credit(500, from: 30, to: 40)
        // Before the credit the account had 4.00.
        history.reject(withdraw(600), free: 400, from: 50, to: 60)
        #expect(history.kinds == [.unjustified])
    }

    @Test func `Checker accepts a rejection based on a state during the call`() {
        var history = History()
        history.credit(500, from: 30, to: 55)
        history.reject(withdraw(600), free: 400, from: 50, to: 60)
        #expect(history.kinds == [])
    }

    @Test func `Checker finds a rejection that quotes a figure that was never true`() {
        var history = History()
        history.reject(withdraw(600), free: 399, from: 50, to: 60)
        #expect(history.kinds == [.unjustified])
    }

    @Test func `Checker finds a rejection based on a state newer than the call`() {
        var history = History()
        history.reject(withdraw(950), free: 900, from: 30, to: 40)
        history.credit(500, from: 50, to: 60)
        #expect(history.kinds == [.unjustified])
    }

    @Test func `Checker finds a rejected command that has an event`() {
        var history = History()
        history.calls[2].answer = .rejected(
            "account a has 0.00 USD free (0.00 USD held for orders), not 6.00 USD")
        #expect(history.kinds == [.rejectedAndDone])
    }

    @Test func `Checker finds "nothing to do" based on a state older than the call`() {
        var history = History()
        let reserve = Account.Command.reserve(account: "a", order: "o", total: money(100))
        history.call(reserve, reserved(100), from: 30, to: 40)
        history.calls.append(
            Call(
                .command(.release(account: "a", order: "o"), id: { _ in id(77) }), .nothing,
                started: 50, ended: 60))
        #expect(history.kinds == [.unjustified])
    }

    @Test func `Checker finds events that are not in the order of their calls`() {
        var history = History()
        history.credit(500, from: 30, to: 40)
        history.credit(600, from: 50, to: 60)
        (history.log[3].event, history.log[4].event) = (
            history.log[4].event, history.log[3].event
        )
        (history.log[3].id, history.log[4].id) = (history.log[4].id, history.log[3].id)
        #expect(history.kinds.contains(.wrongOrder))
    }

    @Test func `Checker finds a figure of a state older than the call`() {
        var history = History()
        history.credit(500, from: 30, to: 40)
        history.ask(funds: 400, from: 50, to: 60)
        #expect(history.kinds == [.untrue])
        history.calls.removeLast()
        history.ask(funds: 900, from: 50, to: 60)
        #expect(history.kinds == [])
    }

    @Test func `Checker uses the position that a caller required and the head it read`() {
        var history = History()
        history.credit(500, from: 30, to: 60)
        history.ask(funds: 400, from: 40, to: 50)
        #expect(history.kinds == [])
        history.calls[history.calls.count - 1].known = 4
        #expect(history.kinds == [.untrue])
        history.calls.removeLast()
        history.ask(funds: 900, from: 40, to: 50)
        #expect(history.kinds == [])
        history.calls[history.calls.count - 1].head = 3
        #expect(history.kinds == [.untrue])
    }

    @Test func `Checker accepts at most one effect of a command without an answer`() {
        var history = History()
        history.calls[2].answer = .unknown
        #expect(history.kinds == [])
        history.add(history.log[2])
        #expect(history.kinds.contains(.doubled))
        history.log.removeLast(2)
        #expect(history.kinds == [])
    }
}

/// An account that is opened, credited with 10.00 and debited with 6.00, one call after the other.
private struct History {
    var calls: [Call<Account>] = []
    var log: [Recorded<AccountEvent>] = []

    init() {
        let opened = AccountOpened(account: "a", currency: usd, openedAt: time)
        call(
            .open(OpenAccount(account: "a", currency: usd, openedAt: time)), .opened(opened),
            from: 0, to: 5)
        credit(1000, from: 6, to: 10)
        call(withdraw(600), withdrawn(600), from: 11, to: 20)
    }

    var kinds: [Finding.Kind] { kinds { _ in false } }

    func kinds(_ isExplained: @escaping (Recorded<AccountEvent>) -> Bool) -> [Finding.Kind] {
        HistoryChecker(calls, log, isExplained: isExplained).findings().map(\.kind)
    }

    mutating func call(
        _ command: Account.Command, _ event: AccountEvent, from start: UInt64, to end: UInt64
    ) {
        let effect = id(start)
        add(recorded(event, effect))
        calls.append(
            Call(
                .command(command, id: { _ in effect }),
                .acknowledged(position: log[log.count - 1].position), started: start, ended: end))
    }

    mutating func credit(_ amount: Int64, from start: UInt64, to end: UInt64) {
        call(credited(amount).0, credited(amount).1, from: start, to: end)
    }

    mutating func reject(
        _ command: Account.Command, free: Int64, from start: UInt64, to end: UInt64
    ) {
        guard case .withdraw(let withdrawal, _) = command else { return }
        let reason =
            "account a has \(money(free)) free (\(money(0)) held for orders), "
            + "not \(withdrawal.amount)"
        calls.append(
            Call(
                .command(command, id: { _ in id(start) }), .rejected(reason),
                started: start, ended: end))
    }

    mutating func ask(funds: Int64, from start: UInt64, to end: UInt64) {
        calls.append(
            Call(
                .question(about: "a", figure: "funds \(funds)", holds: { $0.funds == funds }),
                .answered, started: start, ended: end))
    }

    mutating func add(_ event: Recorded<AccountEvent>) {
        var event = event
        event.position = (log.last?.position ?? 0) + 1
        event.revision = event.position - 1
        log.append(event)
    }
}
