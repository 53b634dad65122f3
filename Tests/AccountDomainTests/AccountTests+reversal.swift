import AccountDomain
import Contracts
import EventSourcing
import EventSourcingTesting
import TestSupport
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let id = EventID.random()
private let reverses = Reverses(event: id, reason: "mistaken")

@Suite struct `Account reversals` {
    private let opened = AccountEvent.opened(
        AccountOpened(account: "a", currency: usd, openedAt: Timestamp(microseconds: 0)))
    private func credited(
        _ amount: Int64, repaid: Int64 = 0, reverses: Reverses? = nil
    ) -> AccountEvent {
        .credited(
            MoneyCredited(
                account: "a", amount: money(amount), repaid: money(repaid), reference: "wages",
                reverses: reverses))
    }
    private func withdrawn(_ amount: Int64, reverses: Reverses? = nil) -> AccountEvent {
        .withdrawn(
            MoneyWithdrawn(
                account: "a", amount: money(amount), reference: "wages", reverses: reverses))
    }

    @Test func `Reversal withdraws credited money and credits withdrawn money`() throws {
        let account = given(Account.self, opened, credited(500), withdrawn(200))
        #expect(try account.whenReversed(at: 2, id: id) == [credited(200, reverses: reverses)])
        let debt = given(Account.self, opened, credited(500))
        #expect(try debt.whenReversed(at: 1, id: id) == [withdrawn(500, reverses: reverses)])
    }

    @Test func `Reversal can be reversed`() throws {
        let taken = given(Account.self, opened, credited(500), withdrawn(500, reverses: reverses))
        let next = EventID.random()
        #expect(
            try taken.whenReversed(at: 2, id: next, reason: "it was right")
                == [credited(500, reverses: Reverses(event: next, reason: "it was right"))])
    }

    private func requested(
        _ amount: Int64, fromBalance: Int64, request: Int = 1
    ) -> AccountEvent {
        .reversalRequested(
            CreditReversalRequested(
                account: "a", request: request, credit: id, reason: "mistaken",
                amount: money(amount), fromBalance: money(fromBalance),
                shortfall: money(amount - fromBalance)))
    }
    private func rejected(_ amount: Int64, request: Int = 1) -> AccountEvent {
        .reversalRejected(
            CreditReversalRejected(
                account: "a", request: request, credit: id, amount: money(amount), detail: "no"))
    }
    private func completed(_ amount: Int64, fromBalance: Int64) -> AccountEvent {
        .reversalCompleted(
            CreditReversalCompleted(
                account: "a", request: 1, amount: money(amount), fromBalance: money(fromBalance),
                fromCredit: money(amount - fromBalance), reverses: reverses))
    }
    private let held = AccountEvent.reserved(
        FundsReserved(
            account: "a", order: "o", total: money(100), fromBalance: money(100),
            shortfall: money(0)))
    private let indebted = AccountEvent.captured(
        PaymentCaptured(
            account: "a", order: "p", total: money(300), fromBalance: money(0),
            fromCredit: money(300)))

    @Test
    func `Reversal takes the free funds and requests credit for what was spent, held or repaid`()
        throws
    {
        let spent = given(Account.self, opened, credited(500), withdrawn(1))
        #expect(try spent.whenReversed(at: 1, id: id) == [requested(500, fromBalance: 499)])
        let holding = given(Account.self, opened, credited(500), held)
        #expect(try holding.whenReversed(at: 1, id: id) == [requested(500, fromBalance: 400)])
        let repaid = given(Account.self, opened, indebted, credited(500, repaid: 300))
        #expect(try repaid.whenReversed(at: 2, id: id) == [requested(500, fromBalance: 200)])
        let empty = given(Account.self, opened, credited(500), withdrawn(500))
        #expect(try empty.whenReversed(at: 1, id: id) == [requested(500, fromBalance: 0)])
    }

    @Test func `Requested reversal holds its funds until it ends`() throws {
        let waiting = given(
            Account.self, opened, credited(500), withdrawn(200), requested(500, fromBalance: 300))
        #expect((waiting.state.funds, waiting.state.held, waiting.state.free) == (300, 300, 0))
        let error = #expect(throws: DaybookError.self) {
            try waiting.when(.withdraw(WithdrawMoney(account: "a", amount: money(1))))
        }
        #expect(
            error?.description
                == "account a has 0.00 USD free (3.00 USD held for orders and reversals), "
                + "not 0.01 USD")
        let complete = Account.Command.completeReversal(account: "a", request: 1)
        #expect(try waiting.when(complete) == [completed(500, fromBalance: 300)])
        let done = try waiting.after(complete).state
        #expect((done.funds, done.held, done.owed, done.balance) == (0, 0, 200, -200))
        let reject = Account.Command.rejectReversal(account: "a", request: 1, detail: "no")
        #expect(try waiting.when(reject) == [rejected(300)])
        let freed = try waiting.after(reject).state
        #expect((freed.funds, freed.held, freed.owed) == (300, 0, 0))
    }

    @Test func `Second reversal of a credit is rejected while the first is under way`() throws {
        // Even if money that came in meanwhile would be enough.
        let account = given(
            Account.self, opened, credited(500), withdrawn(500), requested(500, fromBalance: 0),
            credited(900))
        let error = #expect(throws: DaybookError.self) {
            try account.whenReversed(at: 1, id: id)
        }
        #expect(error?.description == "its reversal is under way")
    }

    @Test func `Rejected reversal can be requested again, and late decisions are absorbed`() throws
    {
        let account = given(
            Account.self, opened, credited(500), withdrawn(200), requested(500, fromBalance: 300),
            rejected(300))
        for command: Account.Command in [
            .completeReversal(account: "a", request: 1),
            .rejectReversal(account: "a", request: 1, detail: "no"),
        ] {
            #expect(try account.when(command) == [])
        }
        let again = requested(500, fromBalance: 300, request: 2)
        #expect(try account.whenReversed(at: 1, id: id) == [again])
        // The decision on the first request comes again while the second one waits.
        let waiting = given(
            Account.self, opened, credited(500), withdrawn(200), requested(500, fromBalance: 300),
            rejected(300), again)
        #expect(try waiting.when(.rejectReversal(account: "a", request: 1, detail: "no")) == [])
    }

    @Test func `Reversal that left a debt can be reversed, which repays the debt`() throws {
        let account = given(
            Account.self, opened, credited(500), withdrawn(200), requested(500, fromBalance: 300),
            completed(500, fromBalance: 300))
        let next = EventID.random()
        let events = try account.whenReversed(at: 4, id: next, reason: "it was right")
        #expect(
            events == [
                .credited(
                    MoneyCredited(
                        account: "a", amount: money(500), repaid: money(200), reference: "",
                        reverses: Reverses(event: next, reason: "it was right")))
            ])
    }

    @Test func `Outcome of a reversal is its completion, its rejection or the withdrawal`() {
        func outcome(_ event: AccountEvent) -> ReversalOutcome? {
            Account.outcome(ofReversing: id, in: event)
        }
        #expect(outcome(requested(500, fromBalance: 1)) == nil)
        #expect(outcome(credited(7)) == nil)
        #expect(outcome(completed(500, fromBalance: 1)) == .reversed)
        #expect(outcome(withdrawn(500, reverses: reverses)) == .reversed)
        #expect(outcome(rejected(1)) == .rejected("no"))
        #expect(Account.outcome(ofReversing: .random(), in: rejected(1)) == nil)
    }

    @Test func `Account objects to the end of a reversal that was not requested`() {
        let past = [
            opened, credited(500), withdrawn(200), requested(500, fromBalance: 300),
            completed(500, fromBalance: 300),
        ]
        #expect(objections(Account.self, past, without: 99) == [])
        #expect(objections(Account.self, past, without: 3).count == 1)
        #expect(Account.objection(to: rejected(1), given: Account.fold([opened])) != nil)
    }

    @Test func `Request number that has no successor rejects the reversal`() {
        let account = given(
            Account.self, opened, credited(500), withdrawn(200),
            requested(500, fromBalance: 300, request: .max), rejected(300, request: .max))
        #expect(throws: DaybookError.self) { try account.whenReversed(at: 1, id: id) }
    }

    @Test func `Reason that the end of a reversal could not repeat is rejected`() throws {
        let account = given(Account.self, opened, credited(500), withdrawn(200))
        let longest = String(repeating: "é", count: 2048)
        #expect(try account.whenReversed(at: 1, id: id, reason: longest).count == 1)
        let error = #expect(throws: DaybookError.self) {
            try account.whenReversed(at: 1, id: id, reason: longest + "!")
        }
        #expect(error?.description.hasPrefix("the reason has 4097 bytes") == true)
        // A withdrawal has no later events that repeat the reason.
        let rich = given(Account.self, opened, credited(500))
        #expect(try rich.whenReversed(at: 1, id: id, reason: longest + "!").count == 1)
    }

    @Test func `Reversal of a withdrawal repays first what the account owes`() throws {
        let paid = AccountEvent.captured(
            PaymentCaptured(
                account: "a", order: "o", total: money(50), fromBalance: money(0),
                fromCredit: money(50)))
        let account = given(Account.self, opened, credited(200), withdrawn(200), paid)
        #expect(
            try account.whenReversed(at: 2, id: id)
                == [credited(200, repaid: 50, reverses: reverses)])
    }
}
