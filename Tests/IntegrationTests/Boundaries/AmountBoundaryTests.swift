import AccountDomain
import BalanceDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import RouteDomain
import Testing

/// Events with extreme amounts and times, which any client can append.
struct `Amount and time boundaries` {
    private static let noon = Timestamp(microseconds: 1_769_860_800_000_000)
    private static let largest = Money(Money.largest, .usd)
    private static let least = Money(-Money.largest, .usd)

    private static func recorded<Event: Sendable>(
        _ event: Event, at position: UInt64
    ) throws -> Recorded<Event> {
        let id = EventID(high: 9, low: position)
        return Recorded(
            event, position: position, stream: try StreamName("a-1"), revision: position, id: id,
            time: noon, correlationID: id)
    }

    /// The largest and the smallest amount of each type, many times: their sums overflow 64 bits.
    private static let accountEvents: [AccountEvent] =
        [.opened(AccountOpened(account: "a", currency: .usd, openedAt: noon))]
        + [largest, least].flatMap { amount in
            (0..<1100).flatMap { number -> [AccountEvent] in
                [
                    .credited(
                        MoneyCredited(
                            account: "a", amount: amount, repaid: least, reference: "")),
                    .withdrawn(MoneyWithdrawn(account: "a", amount: amount, reference: "")),
                    .withdrawn(MoneyWithdrawn(account: "a", amount: amount, reference: "")),
                    .reserved(
                        FundsReserved(
                            account: "a", order: "\(number)", total: amount, fromBalance: amount,
                            shortfall: amount)),
                    .captured(
                        PaymentCaptured(
                            account: "a", order: "\(number)", total: amount, fromBalance: least,
                            fromCredit: amount)),
                    .refunded(
                        PaymentRefunded(
                            account: "a", order: "x", amount: amount, repaid: amount,
                            toFunds: amount)),
                    .reversalRequested(
                        CreditReversalRequested(
                            account: "a", request: number, credit: .none, reason: "",
                            amount: amount, fromBalance: amount, shortfall: amount)),
                    .reversalCompleted(
                        CreditReversalCompleted(
                            account: "a", request: -1, amount: amount, fromBalance: least,
                            fromCredit: amount, reverses: Reverses(event: .none, reason: ""))),
                    .reversalRejected(
                        CreditReversalRejected(
                            account: "a", request: .min, credit: .none, amount: least, detail: "")),
                ]
            }
        }

    @Test func `Account handles events whose sums overflow 64 bits`() throws {
        var state = Account.initial
        var model = BalanceProjection.Model()
        for (index, event) in Self.accountEvents.enumerated() {
            Account.evolve(&state, with: event)
            BalanceProjection.project(
                try Self.recorded(event, at: UInt64(index + 1)), onto: &model)
            guard index % 97 == 0 else { continue }
            for amount in [Self.largest, Self.least, Money(1, .usd)] {
                for command: Account.Command in [
                    .credit(CreditMoney(account: "a", amount: amount)),
                    .withdraw(WithdrawMoney(account: "a", amount: amount)),
                    .reserve(account: "a", order: "new", total: amount),
                    .release(account: "a", order: "1"), .capture(account: "a", order: "1"),
                    .refund(account: "a", order: "1"),
                    .withdraw(
                        WithdrawMoney(account: "a", amount: amount),
                        reversing: Reverses(event: .none, reason: "")),
                    .completeReversal(account: "a", request: 1),
                    .rejectReversal(account: "a", request: 1, detail: ""),
                ] {
                    // The account may reject the command. Neither deciding nor encoding may crash.
                    for event in (try? Account.decide(command, given: state)) ?? [] {
                        _ = try? event.encoded()
                        _ = Account.objection(to: event, given: state)
                    }
                }
            }
        }
        #expect(model.accounts.rows["a"] != nil)
    }

    @Test func `Credit limit handles events whose sums overflow 64 bits`() throws {
        var state = CreditLimit.initial
        var model = CreditLimitProjection.Model()
        var position: UInt64 = 0
        for amount in [Self.largest, Self.least, Self.least] {
            for number in 0..<1100 {
                for event: CreditLimitEvent in [
                    .set(CreditLimitSet(customer: "a", limit: amount)),
                    .reserved(CreditReserved(customer: "a", order: "\(number)", amount: amount)),
                    .drawn(CreditDrawn(customer: "a", order: "x", amount: amount)),
                    .repaid(CreditRepaid(customer: "a", amount: Self.least)),
                    .restored(CreditRestored(customer: "a", order: "x", amount: amount)),
                    .reversalDrawn(
                        ReversalCreditDrawn(customer: "a", request: number, amount: amount)),
                ] {
                    position += 1
                    CreditLimit.evolve(&state, with: event)
                    CreditLimitProjection.project(
                        try Self.recorded(event, at: position), onto: &model)
                }
                let denied = try CreditLimit.decide(
                    .reserve(customer: "a", order: "new", amount: Self.largest), given: state)
                let reversal = try CreditLimit.decide(
                    .drawForReversal(customer: "a", request: -1, amount: Self.largest),
                    given: state)
                for event in denied + reversal { _ = try event.encoded() }
                _ = try? CreditLimit.decide(
                    .set(SetCreditLimit(customer: "a", limit: Self.largest)), given: state)
            }
        }
        #expect(model.limits.rows["a"] != nil)
    }

    private static func placed(_ placedAt: Timestamp, _ quantity: Int = 1) -> OrderPlaced {
        OrderPlaced(
            order: "o", customer: "c",
            items: [OrderItem(sku: "s", quantity: quantity, unitPrice: Money(0, .usd))],
            itemsTotal: Money(0, .usd), origin: nil, destination: "LHR", placedAt: placedAt,
            deadline: .latest)
    }

    private static let network = """
        code,name,city,country,latitude,longitude,timezone
        MEM,Memphis,Memphis,US,35.0,-89.9,x
        LHR,London,London,GB,51.4,-0.4,x
        """

    private static func answer(to placed: OrderPlaced) throws -> Route.Command? {
        let planner = NetworkPlanner(try Network(csv: network), limitMinutes: 120 * 60)
        return try RouteParticipant(planner: planner, origin: "MEM")
            .react(to: .placed(placed), given: .open).first
    }

    @Test(arguments: [
        Timestamp.latest, Timestamp.latest + .seconds(-1), Timestamp.latest + .seconds(-3600),
    ])
    func `Route rejects an order that would arrive after the year 9999`(
        placedAt: Timestamp
    ) throws {
        guard case .reject(let rejected) = try Self.answer(to: Self.placed(placedAt)) else {
            Issue.record("the route is not rejected")
            return
        }
        #expect(rejected.reason == .tooLate && rejected.detail.contains("9999"))
    }

    @Test(arguments: [Timestamp.earliest, Timestamp.latest + .seconds(-10 * 86_400)])
    func `Route of an order at the limits of time can be written and read`(
        placedAt: Timestamp
    ) throws {
        guard case .create(let created) = try Self.answer(to: Self.placed(placedAt)) else {
            Issue.record("the order has no route")
            return
        }
        let bytes = try RouteEvent.created(created).encoded()
        #expect(try RouteEvent(type: RouteCreated.type, data: bytes[...]) == .created(created))
    }

    @Test(arguments: [Int.max, Int.min, -1, 0, 1 << 53])
    func `Order of any quantity gets a route or is too expensive`(quantity: Int) throws {
        switch try Self.answer(to: Self.placed(Self.noon, quantity)) {
        case .create(let created): _ = try RouteEvent.created(created).encoded()
        case .reject(let rejected): #expect(rejected.reason == .tooExpensive)
        default: Issue.record("there is no answer")
        }
    }
}
