import Contracts
import EventSourcing

/// An event and the text of its data.
struct Sample: Sendable, CustomStringConvertible {
    let event: any PublishedEvent
    let type: String
    let category: String
    let tags: [String]
    let text: String

    var description: String { type }

    static let all = orders + routes + accounts + limits

    private static func ofOrder(_ event: OrderEvent, _ type: String, _ text: String) -> Sample {
        Sample(
            event: event, type: type, category: "order", tags: ["order:o1", "customer:c1"],
            text: text)
    }

    private static func ofRoute(_ event: RouteEvent, _ type: String, _ text: String) -> Sample {
        Sample(
            event: event, type: type, category: "route", tags: ["order:o1", "customer:c1"],
            text: text)
    }

    private static func ofAccount(
        _ event: AccountEvent, _ type: String, _ tags: [String], _ text: String
    ) -> Sample {
        Sample(event: event, type: type, category: "account", tags: tags, text: text)
    }

    private static func ofLimit(
        _ event: CreditLimitEvent, _ type: String, _ tags: [String], _ text: String
    ) -> Sample {
        Sample(event: event, type: type, category: "creditLimit", tags: tags, text: text)
    }

    private static let noon = Timestamp(microseconds: 1_769_860_800_000_000)
    private static let credit = EventID(high: 1, low: 2)
    private static func dollars(_ cents: Int64) -> Money { Money(cents, .usd) }

    private static let orders = [
        ofOrder(
            .placed(
                OrderPlaced(
                    order: "o1", customer: "c1",
                    items: [OrderItem(sku: "cd/1", quantity: 2, unitPrice: dollars(1177))],
                    itemsTotal: dollars(2354), origin: "MEM", destination: "ATL", placedAt: noon,
                    deadline: noon + .seconds(30))),
            "OrderPlaced",
            #"{"customer":"c1","deadline":"2026-01-31T12:00:30.000000Z","destination":"ATL","#
                + #""items":[{"quantity":2,"sku":"cd/1","#
                + #""unitPrice":{"amount":1177,"currency":"USD"}}],"#
                + #""itemsTotal":{"amount":2354,"currency":"USD"},"order":"o1","origin":"MEM","#
                + #""placedAt":"2026-01-31T12:00:00.000000Z"}"#),
        ofOrder(
            .confirmed(OrderConfirmed(order: "o1", customer: "c1")), "OrderConfirmed",
            #"{"customer":"c1","order":"o1"}"#),
        ofOrder(
            .rejected(
                OrderRejected(
                    order: "o1", customer: "c1", reason: .creditDenied, detail: "5.00 USD asked")),
            "OrderRejected",
            #"{"customer":"c1","detail":"5.00 USD asked","order":"o1","reason":"creditDenied"}"#),
        ofOrder(
            .cancelled(OrderCancelled(order: "o1", customer: "c1")), "OrderCancelled",
            #"{"customer":"c1","order":"o1"}"#),
    ]

    private static let routes = [
        ofRoute(
            .created(
                RouteCreated(
                    order: "o1", customer: "c1", origin: "MEM", destination: "ATL",
                    legs: [
                        RouteLeg(
                            from: "MEM", to: "ATL", meters: 532_500, departsAt: noon,
                            arrivesAt: noon + .seconds(3600), cost: dollars(400))
                    ], itemsTotal: dollars(2354), shipping: dollars(400), total: dollars(2754),
                    arrivesAt: noon + .seconds(3600))), "RouteCreated.2",
            #"{"arrivesAt":"2026-01-31T13:00:00.000000Z","customer":"c1","destination":"ATL","#
                + #""itemsTotal":{"amount":2354,"currency":"USD"},"#
                + #""legs":[{"arrivesAt":"2026-01-31T13:00:00.000000Z","#
                + #""cost":{"amount":400,"currency":"USD"},"#
                + #""departsAt":"2026-01-31T12:00:00.000000Z","from":"MEM","meters":532500,"#
                + #""to":"ATL"}],"order":"o1","origin":"MEM","#
                + #""shipping":{"amount":400,"currency":"USD"},"#
                + #""total":{"amount":2754,"currency":"USD"}}"#),
        ofRoute(
            .rejected(
                RouteRejected(
                    order: "o1", customer: "c1", reason: .unknownHub,
                    detail: "no hub XXX")), "RouteRejected",
            #"{"customer":"c1","detail":"no hub XXX","order":"o1","reason":"unknownHub"}"#),
        ofRoute(
            .confirmed(RouteConfirmed(order: "o1", customer: "c1")), "RouteConfirmed",
            #"{"customer":"c1","order":"o1"}"#),
        ofRoute(
            .cancelled(RouteCancelled(order: "o1", customer: "c1")), "RouteCancelled",
            #"{"customer":"c1","order":"o1"}"#),
    ]

    private static let accounts = [
        ofAccount(
            .opened(AccountOpened(account: "c1", currency: .usd, openedAt: noon)), "AccountOpened",
            ["account:c1"],
            #"{"account":"c1","currency":"USD","openedAt":"2026-01-31T12:00:00.000000Z"}"#),
        ofAccount(
            .credited(
                MoneyCredited(
                    account: "c1", amount: dollars(500), repaid: dollars(200), reference: "wages")),
            "MoneyCredited", ["account:c1"],
            #"{"account":"c1","amount":{"amount":500,"currency":"USD"},"reference":"wages","#
                + #""repaid":{"amount":200,"currency":"USD"}}"#),
        ofAccount(
            .withdrawn(MoneyWithdrawn(account: "c1", amount: dollars(5), reference: "")),
            "MoneyWithdrawn", ["account:c1"],
            #"{"account":"c1","amount":{"amount":5,"currency":"USD"},"reference":""}"#),
        ofAccount(
            .reserved(
                FundsReserved(
                    account: "c1", order: "o1", total: dollars(30), fromBalance: dollars(20),
                    shortfall: dollars(10))), "FundsReserved", ["order:o1", "account:c1"],
            #"{"account":"c1","fromBalance":{"amount":20,"currency":"USD"},"order":"o1","#
                + #""shortfall":{"amount":10,"currency":"USD"},"#
                + #""total":{"amount":30,"currency":"USD"}}"#),
        ofAccount(
            .refused(
                FundsRefused(
                    account: "c1", order: "o1", reason: .noSuchAccount, detail: "none")),
            "FundsRefused", ["order:o1", "account:c1"],
            #"{"account":"c1","detail":"none","order":"o1","reason":"noSuchAccount"}"#),
        ofAccount(
            .released(FundsReleased(account: "c1", order: "o1", amount: dollars(20))),
            "FundsReleased", ["order:o1", "account:c1"],
            #"{"account":"c1","amount":{"amount":20,"currency":"USD"},"order":"o1"}"#),
        ofAccount(
            .captured(
                PaymentCaptured(
                    account: "c1", order: "o1", total: dollars(30), fromBalance: dollars(20),
                    fromCredit: dollars(10))), "PaymentCaptured", ["order:o1", "account:c1"],
            #"{"account":"c1","fromBalance":{"amount":20,"currency":"USD"},"#
                + #""fromCredit":{"amount":10,"currency":"USD"},"order":"o1","#
                + #""total":{"amount":30,"currency":"USD"}}"#),
        ofAccount(
            .refunded(
                PaymentRefunded(
                    account: "c1", order: "o1", amount: dollars(30), repaid: dollars(10),
                    toFunds: dollars(20))), "PaymentRefunded", ["order:o1", "account:c1"],
            #"{"account":"c1","amount":{"amount":30,"currency":"USD"},"order":"o1","#
                + #""repaid":{"amount":10,"currency":"USD"},"#
                + #""toFunds":{"amount":20,"currency":"USD"}}"#),
        ofAccount(
            .reversalRequested(
                CreditReversalRequested(
                    account: "c1", request: 1, credit: credit, reason: "bounced",
                    amount: dollars(50), fromBalance: dollars(20), shortfall: dollars(30))),
            "CreditReversalRequested", ["account:c1"],
            #"{"account":"c1","amount":{"amount":50,"currency":"USD"},"#
                + #""credit":"\#(credit)","fromBalance":{"amount":20,"currency":"USD"},"#
                + #""reason":"bounced","request":1,"#
                + #""shortfall":{"amount":30,"currency":"USD"}}"#),
        ofAccount(
            .reversalRejected(
                CreditReversalRejected(
                    account: "c1", request: 1, credit: credit, amount: dollars(20), detail: "no")),
            "CreditReversalRejected", ["account:c1"],
            #"{"account":"c1","amount":{"amount":20,"currency":"USD"},"#
                + #""credit":"\#(credit)","detail":"no","request":1}"#),
        ofAccount(
            .reversalCompleted(
                CreditReversalCompleted(
                    account: "c1", request: 1, amount: dollars(50), fromBalance: dollars(20),
                    fromCredit: dollars(30), reverses: Reverses(event: credit, reason: "bounced"))),
            "CreditReversalCompleted", ["account:c1", "reverses:\(credit)"],
            #"{"account":"c1","amount":{"amount":50,"currency":"USD"},"#
                + #""fromBalance":{"amount":20,"currency":"USD"},"#
                + #""fromCredit":{"amount":30,"currency":"USD"},"request":1,"#
                + #""reverses":{"event":"\#(credit)","reason":"bounced"}}"#),
    ]

    private static let limits = [
        ofLimit(
            .set(CreditLimitSet(customer: "c1", limit: Money(1000, .jpy))), "CreditLimitSet",
            ["customer:c1"], #"{"customer":"c1","limit":{"amount":1000,"currency":"JPY"}}"#),
        ofLimit(
            .reserved(CreditReserved(customer: "c1", order: "o1", amount: dollars(0))),
            "CreditReserved", ["order:o1", "customer:c1"],
            #"{"amount":{"amount":0,"currency":"USD"},"customer":"c1","order":"o1"}"#),
        ofLimit(
            .denied(
                CreditDenied(
                    customer: "c1", order: "o1", amount: dollars(10), available: dollars(9),
                    reason: .limitExceeded)), "CreditDenied", ["order:o1", "customer:c1"],
            #"{"amount":{"amount":10,"currency":"USD"},"#
                + #""available":{"amount":9,"currency":"USD"},"customer":"c1","order":"o1","#
                + #""reason":"limitExceeded"}"#),
        ofLimit(
            .released(CreditReleased(customer: "c1", order: "o1", amount: dollars(10))),
            "CreditReleased", ["order:o1", "customer:c1"],
            #"{"amount":{"amount":10,"currency":"USD"},"customer":"c1","order":"o1"}"#),
        ofLimit(
            .drawn(CreditDrawn(customer: "c1", order: "o1", amount: dollars(10))), "CreditDrawn",
            ["order:o1", "customer:c1"],
            #"{"amount":{"amount":10,"currency":"USD"},"customer":"c1","order":"o1"}"#),
        ofLimit(
            .restored(CreditRestored(customer: "c1", order: "o1", amount: dollars(10))),
            "CreditRestored", ["order:o1", "customer:c1"],
            #"{"amount":{"amount":10,"currency":"USD"},"customer":"c1","order":"o1"}"#),
        ofLimit(
            .repaid(CreditRepaid(customer: "c1", amount: dollars(10))), "CreditRepaid",
            ["customer:c1"], #"{"amount":{"amount":10,"currency":"USD"},"customer":"c1"}"#),
        ofLimit(
            .reversalDrawn(ReversalCreditDrawn(customer: "c1", request: 1, amount: dollars(30))),
            "ReversalCreditDrawn", ["customer:c1"],
            #"{"amount":{"amount":30,"currency":"USD"},"customer":"c1","request":1}"#),
        ofLimit(
            .reversalDenied(
                ReversalCreditDenied(
                    customer: "c1", request: 1, amount: dollars(30), available: dollars(9),
                    requiredLimit: dollars(41), reason: .limitExceeded)),
            "ReversalCreditDenied", ["customer:c1"],
            #"{"amount":{"amount":30,"currency":"USD"},"#
                + #""available":{"amount":9,"currency":"USD"},"customer":"c1","#
                + #""reason":"limitExceeded","request":1,"#
                + #""requiredLimit":{"amount":41,"currency":"USD"}}"#),
    ]
}
