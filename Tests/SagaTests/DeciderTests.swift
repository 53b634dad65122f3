import AccountDomain
import BalanceDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import EventSourcingTesting
import OrdersDomain
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }
private let opened = AccountEvent.opened(
    AccountOpened(account: "a", currency: usd, openedAt: Timestamp(microseconds: 0)))
private func credited(_ amount: Int64, repaid: Int64 = 0) -> AccountEvent {
    .credited(
        MoneyCredited(account: "a", amount: money(amount), repaid: money(repaid), reference: ""))
}
private func reserved(_ total: Int64, _ fromBalance: Int64) -> AccountEvent {
    .reserved(
        FundsReserved(
            account: "a", order: "o", total: money(total), fromBalance: money(fromBalance),
            shortfall: money(total - fromBalance)))
}
private func captured(_ fromBalance: Int64, _ fromCredit: Int64) -> AccountEvent {
    .captured(
        PaymentCaptured(
            account: "a", order: "o", total: money(fromBalance + fromCredit),
            fromBalance: money(fromBalance), fromCredit: money(fromCredit)))
}

@Suite struct `Account decisions` {
    @Test func `Reservation holds the free funds and leaves the rest to credit`() throws {
        #expect(
            try given(Account.self, opened, credited(500))
                .when(.reserve(account: "a", order: "o", total: money(800))) == [reserved(800, 500)]
        )
    }

    @Test func `Reservation is rejected without an account or in another currency`() throws {
        let eur = Money(800, try Currency("EUR"))
        for (scenario, total) in [
            (given(Account.self), money(800)), (given(Account.self, opened), eur),
        ] {
            let events = try scenario.when(.reserve(account: "a", order: "o", total: total))
            guard case .refused = events.first else {
                Issue.record("not rejected: \(events)")
                continue
            }
        }
    }

    @Test func `Second reservation for the same order changes nothing`() throws {
        let command = Account.Command.reserve(account: "a", order: "o", total: money(800))
        #expect(
            try given(Account.self, opened, credited(900), reserved(800, 800)).when(command) == [])
        #expect(
            try given(Account.self, opened, credited(900), reserved(800, 800), captured(800, 0))
                .when(command) == [])
    }

    @Test func `Withdrawal can't take funds that are held for an order`() throws {
        let scenario = given(Account.self, opened, credited(1000), reserved(800, 800))
        #expect(throws: Account.Rejection.self) {
            try scenario.when(.withdraw(WithdrawMoney(account: "a", amount: money(201))))
        }
        #expect(
            try scenario.when(.withdraw(WithdrawMoney(account: "a", amount: money(200)))).count == 1
        )
    }

    @Test func `Rejected withdrawal says how much is free`() {
        let error = #expect(throws: Account.Rejection.self) {
            try given(Account.self, opened, credited(1000), reserved(800, 800))
                .when(.withdraw(WithdrawMoney(account: "a", amount: money(201))))
        }
        #expect(
            error?.description
                == "account a has 2.00 USD free (8.00 USD held for orders), not 2.01 USD")
    }

    @Test func `Credits and refunds repay first what the account owes`() throws {
        let inDebt = given(
            Account.self, opened, credited(500), reserved(800, 500), captured(500, 300))
        #expect(inDebt.state.balance == -300)
        #expect(
            try inDebt.when(.credit(CreditMoney(account: "a", amount: money(1000))))
                == [credited(1000, repaid: 300)])
        let refund = try inDebt.when(.refund(account: "a", order: "o"))
        #expect(
            refund == [
                .refunded(
                    PaymentRefunded(
                        account: "a", order: "o", amount: money(800), repaid: money(300),
                        toFunds: money(500)))
            ])
    }

    @Test func `Release, refund and capture do nothing without a reservation`() throws {
        #expect(try given(Account.self, opened).when(.release(account: "a", order: "o")) == [])
        #expect(try given(Account.self, opened).when(.refund(account: "a", order: "o")) == [])
        #expect(try given(Account.self, opened).when(.capture(account: "a", order: "o")) == [])
    }
}

@Suite struct `Credit limit decisions` {
    private let set = CreditLimitEvent.set(CreditLimitSet(customer: "a", limit: money(500)))
    private func reserved(_ amount: Int64) -> CreditLimitEvent {
        .reserved(CreditReserved(customer: "a", order: "o", amount: money(amount)))
    }

    @Test func `Credit is reserved up to the available amount and denied above it`() throws {
        let scenario = given(CreditLimit.self, set)
        #expect(
            try scenario.when(.reserve(customer: "a", order: "o", amount: money(500)))
                == [reserved(500)])
        guard
            case .denied(let denied) = try scenario.when(
                .reserve(customer: "a", order: "o", amount: money(501))
            ).first
        else {
            Issue.record("501 of 500 was not denied")
            return
        }
        #expect(denied.available == money(500))
    }

    @Test func `Order that needs no credit needs no credit limit`() throws {
        #expect(
            try given(CreditLimit.self).when(.reserve(customer: "a", order: "o", amount: money(0)))
                == [reserved(0)])
    }

    @Test func `Credit limit can't be set below the reserved credit`() {
        do {
            _ = try given(CreditLimit.self, set, reserved(300))
                .when(.set(SetCreditLimit(customer: "a", limit: money(299))))
            Issue.record("the limit was set")
        } catch {
            #expect("\(error)".contains("3.00 USD"), "\(error)")
        }
    }
}

@Suite struct `Order decisions` {
    private let placed = OrderEvent.placed(
        OrderPlaced(
            order: "o", customer: "a",
            items: [OrderItem(sku: "cd", quantity: 2, unitPrice: money(1177))],
            itemsTotal: money(2354), origin: nil, destination: "MEM",
            placedAt: Timestamp(microseconds: 0), deadline: Self.deadline))
    private static let deadline = Timestamp(microseconds: 1)
    private let early = Timestamp(microseconds: 0)

    private func place(_ items: [OrderItem]) -> Orders.Command {
        .place(
            PlaceOrder(
                order: "o", customer: "a", items: items, destination: "MEM",
                placedAt: Timestamp(microseconds: 0), deadline: Timestamp(microseconds: 1)))
    }

    @Test func `Placed order has the total of its items`() throws {
        #expect(
            try given(Orders.self)
                .when(place([OrderItem(sku: "cd", quantity: 2, unitPrice: money(1177))])) == [
                    placed
                ])
    }

    @Test func `Order with invalid items is rejected`() throws {
        let yen = Money(100, try Currency("JPY"))
        for items in [
            [], [OrderItem(sku: "cd", quantity: 0, unitPrice: money(1))],
            [OrderItem(sku: "cd", quantity: 1, unitPrice: money(-1))],
            [OrderItem(sku: "", quantity: 1, unitPrice: money(1))],
            [
                OrderItem(sku: "cd", quantity: 1, unitPrice: money(1)),
                OrderItem(sku: "cd", quantity: 1, unitPrice: yen),
            ],
            [OrderItem(sku: "cd", quantity: .max, unitPrice: money(2))],
        ] {
            #expect(throws: Orders.Rejection.self) { try given(Orders.self).when(place(items)) }
        }
    }

    @Test func `Confirmed order is neither confirmed again nor rejected`() throws {
        let ended = try given(Orders.self, placed).after(.confirm(order: "o", at: early))
        #expect(try ended.when(.confirm(order: "o", at: early)) == [])
        #expect(try ended.when(.reject(order: "o", reason: .deadlinePassed, detail: "")) == [])
    }

    @Test func `Order is confirmed before its deadline and rejected from then on`() throws {
        let pending = given(Orders.self, placed)
        let confirmed = OrderEvent.confirmed(OrderConfirmed(order: "o", customer: "a"))
        #expect(try pending.when(.confirm(order: "o", at: early)) == [confirmed])
        for late in [Self.deadline, Self.deadline + .seconds(1)] {
            let events = try pending.when(.confirm(order: "o", at: late))
            guard case .rejected(let event) = events.first else {
                Issue.record("not rejected at \(late): \(events)")
                continue
            }
            #expect(event.reason == .deadlinePassed && event.order == "o")
            #expect(event.detail.contains("\(Self.deadline)") && event.detail.contains("\(late)"))
        }
    }

    @Test func `Confirmation is rejected without the time of the decision`() {
        #expect(throws: Orders.Rejection.noTime("o")) {
            try given(Orders.self, placed).when(.confirm(order: "o"))
        }
        #expect(Orders.timed(.cancel(CancelOrder(order: "o")))?(early) == nil)
        #expect(Orders.timed(.confirm(order: "o"))?(early) == .confirm(order: "o", at: early))
    }

    @Test func `Cancellation rejects a pending order and cancels a confirmed one`() throws {
        let pending = given(Orders.self, placed)
        guard case .rejected(let event) = try pending.when(.cancel(CancelOrder(order: "o"))).first
        else {
            Issue.record("not rejected")
            return
        }
        #expect(event.reason == .cancelledByCustomer)
        #expect(
            try pending.after(.confirm(order: "o", at: early)).when(
                .cancel(CancelOrder(order: "o")))
                == [.cancelled(OrderCancelled(order: "o", customer: "a"))])
    }
}

@Suite struct `Saga participants` {
    private let rejection = OrderRejected(
        order: "o", customer: "a", reason: .deadlinePassed, detail: "")
    private let route = RouteCreated(
        order: "o", customer: "a", origin: "ATL", destination: "MEM", legs: [],
        itemsTotal: money(100), shipping: money(20), total: money(120),
        arrivesAt: Timestamp(microseconds: 9))

    @Test func `Balance and creditLimit absorb events that come after the rejection`() throws {
        var balance = given(BalanceParticipant(), .orderRejected(rejection))
        #expect(try balance.when(.routeCreated(route)) == [])
        var limit = given(CreditLimitParticipant(), .orderRejected(rejection))
        let funds = FundsReserved(
            account: "a", order: "o", total: money(120), fromBalance: money(0),
            shortfall: money(120))
        #expect(try limit.when(.fundsReserved(funds)) == [])
    }

    @Test func `Balance and creditLimit absorb an event that comes again`() throws {
        let cancelled = OrderCancelled(order: "o", customer: "a")
        var balance = given(BalanceParticipant(), .routeCreated(route), .orderCancelled(cancelled))
        #expect(try balance.when(.routeCreated(route)) == [])
        let funds = FundsReserved(
            account: "a", order: "o", total: money(120), fromBalance: money(0),
            shortfall: money(120))
        let paid = PaymentCaptured(
            account: "a", order: "o", total: money(120), fromBalance: money(0),
            fromCredit: money(120))
        var limit = given(
            CreditLimitParticipant(), .fundsReserved(funds), .paymentCaptured(paid))
        #expect(try limit.when(.fundsReserved(funds)) == [])
    }

    @Test func `Balance reserves the total of the route`() throws {
        var balance = given(BalanceParticipant())
        #expect(
            try balance.when(.routeCreated(route))
                == [.reserve(account: "a", order: "o", total: money(120))])
    }

    @Test func `CreditLimit sends no command for a credit that repays nothing`() throws {
        func credited(repaid: Int64) -> CreditLimitParticipant.Event {
            .moneyCredited(
                MoneyCredited(
                    account: "a", amount: money(50), repaid: money(repaid), reference: ""))
        }
        var limit = given(CreditLimitParticipant())
        #expect(try limit.when(credited(repaid: 0)) == [])
        #expect(
            try limit.when(credited(repaid: 7)) == [.repay(customer: "a", amount: money(7))])
    }

    @Test func `Deadline rejects a pending order and leaves a confirmed one unchanged`() {
        let placed = OrderPlaced(
            order: "o", customer: "a", items: [], itemsTotal: money(0), origin: nil,
            destination: "MEM", placedAt: Timestamp(microseconds: 0),
            deadline: Timestamp(microseconds: 7))
        let pending = given(OrdersParticipant(), .placed(placed))
        #expect(OrdersParticipant.deadline(of: pending.state) == Timestamp(microseconds: 7))
        #expect(pending.whenExpired().count == 1)
        let ended = given(
            OrdersParticipant(), .placed(placed),
            .confirmed(OrderConfirmed(order: "o", customer: "a")))
        #expect(OrdersParticipant.deadline(of: ended.state) == nil)
        #expect(ended.whenExpired() == [])
    }
}

@Suite struct `Objections to hypothetical histories` {
    private func objections<Subject: Aggregate>(
        _ subject: Subject.Type, _ events: [Subject.Event], without index: Int
    ) -> [Int] {
        var state = Subject.initial
        var found: [Int] = []
        for (number, event) in events.enumerated() where number != index {
            if Subject.objection(to: event, given: state) != nil { found.append(number) }
            Subject.evolve(&state, with: event)
        }
        return found
    }

    @Test func `Account objects to events that its earlier events would not allow`() {
        let withdrawn = AccountEvent.withdrawn(
            MoneyWithdrawn(account: "a", amount: money(100), reference: ""))
        let refunded = AccountEvent.refunded(
            PaymentRefunded(
                account: "a", order: "o", amount: money(800), repaid: money(300),
                toFunds: money(500)))
        let past = [
            opened, credited(500), credited(100), withdrawn, reserved(800, 500),
            captured(500, 300), refunded,
        ]
        #expect(objections(Account.self, past, without: 99) == [])
        #expect(objections(Account.self, past, without: 0) == [1, 2, 3, 4, 5, 6])
        #expect(objections(Account.self, past, without: 1) == [4])
        #expect(objections(Account.self, past, without: 2) == [4])
        // Without the withdrawal the account has more, which is no reason to object.
        #expect(objections(Account.self, past, without: 3) == [])
        #expect(objections(Account.self, past, without: 4) == [5])
        #expect(objections(Account.self, past, without: 5) == [6])
        #expect(objections(Account.self, past, without: 6) == [])
        #expect(Account.objection(to: opened, given: Account.fold([opened])) != nil)
        let repaying = [opened, credited(500), credited(50, repaid: 50)]
        #expect(objections(Account.self, repaying, without: 99) == [2])
        #expect(Account.objection(to: refunded, given: Account.fold([opened])) != nil)
    }

    @Test func `Credit limit objects to events that exceed it or lack their reservation`() {
        let past: [CreditLimitEvent] = [
            .set(CreditLimitSet(customer: "a", limit: money(500))),
            .reserved(CreditReserved(customer: "a", order: "o", amount: money(300))),
            .drawn(CreditDrawn(customer: "a", order: "o", amount: money(300))),
            .repaid(CreditRepaid(customer: "a", amount: money(300))),
            .reserved(CreditReserved(customer: "a", order: "p", amount: money(400))),
            .set(CreditLimitSet(customer: "a", limit: money(400))),
            .released(CreditReleased(customer: "a", order: "p", amount: money(400))),
            .reserved(CreditReserved(customer: "a", order: "q", amount: money(0))),
        ]
        #expect(objections(CreditLimit.self, past, without: 99) == [])
        #expect(objections(CreditLimit.self, past, without: 0) == [1, 4])
        #expect(objections(CreditLimit.self, past, without: 1) == [2])
        #expect(objections(CreditLimit.self, past, without: 2) == [])
        #expect(objections(CreditLimit.self, past, without: 3) == [4, 5])
        #expect(objections(CreditLimit.self, past, without: 4) == [6])
    }

    @Test func `Order objects to ending before it is placed and to ending twice`() {
        let placed = OrderEvent.placed(
            OrderPlaced(
                order: "o", customer: "a", items: [], itemsTotal: money(1), origin: nil,
                destination: "MEM", placedAt: Timestamp(microseconds: 0),
                deadline: Timestamp(microseconds: 1)))
        let past = [
            placed, .confirmed(OrderConfirmed(order: "o", customer: "a")),
            .cancelled(OrderCancelled(order: "o", customer: "a")),
        ]
        #expect(objections(Orders.self, past, without: 99) == [])
        #expect(objections(Orders.self, past, without: 0) == [1])
        #expect(objections(Orders.self, past, without: 1) == [2])
        #expect(Orders.objection(to: past[1], given: Orders.fold(past)) != nil)
    }
}
