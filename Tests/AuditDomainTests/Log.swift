import Contracts
import EventSourcing
import TestSupport

@testable import AuditDomain

/// An audit of a log of these events, from position 1 on.
func audited(_ log: Audit.Event...) throws -> Audit { try audited(log) }

func audited(_ log: [Audit.Event]) throws -> Audit {
    var audit = Audit()
    for (index, event) in log.enumerated() {
        audit.record(try recorded(event, at: UInt64(index + 1)))
    }
    return audit
}

/// The findings of an audit of the whole log, when nothing is in flight.
func findings(_ log: [Audit.Event]) throws -> [Finding] {
    var audit = try audited(log)
    audit.close()
    return audit.findings
}

/// The event in the stream that its data names, caused by the event before it.
func recorded(
    _ event: Audit.Event, at position: UInt64, time: Timestamp = Timestamp(microseconds: 0)
) throws -> Recorded<Audit.Event> {
    Recorded(
        event, position: position,
        stream: try StreamName(category: event.category, id: event.owner), revision: 0,
        id: EventID(high: 1, low: position), time: time, correlationID: .none,
        causationID: EventID(high: 1, low: position - 1))
}

// MARK: Events of order o of customer a

func usd(_ cents: Int64) -> Money { Money(cents, .usd) }

let epoch = Timestamp(microseconds: 0)

let opened = Audit.Event.account(
    .opened(AccountOpened(account: "a", currency: .usd, openedAt: epoch)))
let placed = Audit.Event.order(
    .placed(
        OrderPlaced(
            order: "o", customer: "a", items: [], itemsTotal: usd(100), origin: nil,
            destination: "ATL", placedAt: epoch, deadline: epoch + .seconds(60))))
let confirmed = Audit.Event.order(.confirmed(OrderConfirmed(order: "o", customer: "a")))
let rejected = Audit.Event.order(
    .rejected(OrderRejected(order: "o", customer: "a", reason: .deadlinePassed, detail: "")))
let cancelled = Audit.Event.order(.cancelled(OrderCancelled(order: "o", customer: "a")))

let routeCreated = Audit.Event.route(
    .created(
        RouteCreated(
            order: "o", customer: "a", origin: "ATL", destination: "ATL", legs: [],
            itemsTotal: usd(100), shipping: usd(20), total: usd(120), arrivesAt: epoch)))
let routeRejected = Audit.Event.route(
    .rejected(RouteRejected(order: "o", customer: "a", reason: .unreachable, detail: "")))
let routeConfirmed = Audit.Event.route(.confirmed(RouteConfirmed(order: "o", customer: "a")))
let routeCancelled = Audit.Event.route(.cancelled(RouteCancelled(order: "o", customer: "a")))

func credited(_ amount: Int64, repaid: Int64 = 0) -> Audit.Event {
    .account(
        .credited(
            MoneyCredited(account: "a", amount: usd(amount), repaid: usd(repaid), reference: "")))
}

func withdrawn(_ amount: Int64) -> Audit.Event {
    .account(.withdrawn(MoneyWithdrawn(account: "a", amount: usd(amount), reference: "")))
}

func reserved(_ total: Int64, _ fromBalance: Int64) -> Audit.Event {
    .account(
        .reserved(
            FundsReserved(
                account: "a", order: "o", total: usd(total), fromBalance: usd(fromBalance),
                shortfall: usd(total - fromBalance))))
}

func released(_ amount: Int64) -> Audit.Event {
    .account(.released(FundsReleased(account: "a", order: "o", amount: usd(amount))))
}

func captured(_ fromBalance: Int64, _ fromCredit: Int64) -> Audit.Event {
    .account(
        .captured(
            PaymentCaptured(
                account: "a", order: "o", total: usd(fromBalance + fromCredit),
                fromBalance: usd(fromBalance), fromCredit: usd(fromCredit))))
}

func refunded(_ amount: Int64, repaid: Int64) -> Audit.Event {
    .account(
        .refunded(
            PaymentRefunded(
                account: "a", order: "o", amount: usd(amount), repaid: usd(repaid),
                toFunds: usd(amount - repaid))))
}

func limit(_ amount: Int64) -> Audit.Event {
    .creditLimit(.set(CreditLimitSet(customer: "a", limit: usd(amount))))
}

func creditReserved(_ amount: Int64) -> Audit.Event {
    .creditLimit(.reserved(CreditReserved(customer: "a", order: "o", amount: usd(amount))))
}

func creditReleased(_ amount: Int64) -> Audit.Event {
    .creditLimit(.released(CreditReleased(customer: "a", order: "o", amount: usd(amount))))
}

func drawn(_ amount: Int64) -> Audit.Event {
    .creditLimit(.drawn(CreditDrawn(customer: "a", order: "o", amount: usd(amount))))
}

func restored(_ amount: Int64) -> Audit.Event {
    .creditLimit(.restored(CreditRestored(customer: "a", order: "o", amount: usd(amount))))
}

func repaid(_ amount: Int64) -> Audit.Event {
    .creditLimit(.repaid(CreditRepaid(customer: "a", amount: usd(amount))))
}

// MARK: Reversals of a credit of customer a

let credit = EventID(high: 2, low: 2)

func reversalRequested(_ amount: Int64, _ fromBalance: Int64) -> Audit.Event {
    .account(
        .reversalRequested(
            CreditReversalRequested(
                account: "a", request: 1, credit: credit, reason: "bounced", amount: usd(amount),
                fromBalance: usd(fromBalance), shortfall: usd(amount - fromBalance))))
}

func reversalRejected(_ amount: Int64) -> Audit.Event {
    .account(
        .reversalRejected(
            CreditReversalRejected(
                account: "a", request: 1, credit: credit, amount: usd(amount), detail: "no")))
}

func reversalCompleted(_ amount: Int64, _ fromBalance: Int64) -> Audit.Event {
    .account(
        .reversalCompleted(
            CreditReversalCompleted(
                account: "a", request: 1, amount: usd(amount), fromBalance: usd(fromBalance),
                fromCredit: usd(amount - fromBalance),
                reverses: Reverses(event: credit, reason: "bounced"))))
}

func reversalDrawn(_ amount: Int64) -> Audit.Event {
    .creditLimit(
        .reversalDrawn(ReversalCreditDrawn(customer: "a", request: 1, amount: usd(amount))))
}

let reversalDenied = Audit.Event.creditLimit(
    .reversalDenied(
        ReversalCreditDenied(
            customer: "a", request: 1, amount: usd(30), available: usd(0), requiredLimit: usd(30),
            reason: .limitExceeded)))
