import AuditDomain
import Contracts
import EventSourcing
import TestSupport
import Testing

/// Events that no service of the suite would append.
@Suite struct `Foreign events` {
    @Test(arguments: [
        ("account-a", "MoneyBurnt", "{}", "Audit does not know this type"),
        ("account-a", "MoneyCredited", "{}", "the data of this MoneyCredited can't be read"),
        ("order-o", "OrderPlaced", "not JSON", "the data of this OrderPlaced can't be read"),
        ("route-o", "RouteCreated", #"{"order":"o"}"#, "the data of this RouteCreated can't be"),
        ("creditLimit-a", "CreditLimitSet", #"{"customer":"a","limit":{"amount":1e300}}"#, "can't"),
        (
            "account-a", "OrderConfirmed", #"{"order":"a","customer":"a"}"#,
            "stream account-a holds OrderConfirmed, which belongs to order"
        ),
    ])
    func `Audit reports an unreadable event and continues`(
        _ event: (stream: String, type: String, data: String, reason: String)
    ) throws {
        var audit = try audited(opened)
        audit.record(
            try record(at: 2, stream: event.stream, type: event.type, data: event.data))
        // The audit checks other accounts.
        let others: [AccountEvent] = [
            .opened(AccountOpened(account: "b", currency: .usd, openedAt: epoch)),
            .credited(
                MoneyCredited(account: "b", amount: usd(7), repaid: usd(0), reference: "")),
        ]
        for (index, event) in others.enumerated() {
            audit.record(try recorded(.account(event), at: UInt64(3 + index)))
        }
        // Later events of the entity may depend on the one that can't be read.
        audit.record(try recorded(withdrawn(900), at: 5))
        audit.close()
        let isOfAccount = event.stream == "account-a"
        let kinds = audit.findings.map(\.kind)
        #expect(kinds == (isOfAccount ? [.unreadable] : [.unreadable, .invariant]))
        let finding = try #require(audit.findings.first)
        #expect(finding.position == 2 && !finding.message.contains("\n"))
        #expect(finding.message.contains(event.reason), "\(finding.message)")
        #expect(audit.totals[.usd]?.credits == 7 && audit.hasStopped)
        #expect(audit.accountFigures.keys.sorted() == (isOfAccount ? ["b"] : ["a", "b"]))
    }

    @Test func `Order that an unreadable event stops keeps its holds without a finding`()
        throws
    {
        var audit = try audited(
            opened, credited(100), placed, routeCreated, limit(50), reserved(120, 100),
            creditReserved(20))
        audit.record(try record(at: 8, stream: "order-o", type: "OrderConfirmed.2", data: "{}"))
        audit.close()
        #expect(audit.findings.map(\.kind) == [.unreadable], "\(audit.findings)")
        #expect(audit.stoppedStreams == 1)
    }

    @Test func `Unreadable event of an order is the only finding about it`() throws {
        var audit = try audited(
            opened, credited(100), placed, routeCreated, limit(50), reserved(120, 100),
            creditReserved(20))
        audit.record(try record(at: 8, stream: "order-o", type: "OrderConfirmed.2", data: "{}"))
        for (index, event) in [captured(100, 20), routeConfirmed, drawn(20)].enumerated() {
            audit.record(try recorded(event, at: UInt64(9 + index)))
        }
        audit.close()
        #expect(audit.findings.map(\.kind) == [.unreadable], "\(audit.findings)")
        #expect(audit.findings.first?.message.contains("event-store amend ") == true)
    }

    @Test(arguments: [
        (credited(7), "account-b"), (placed, "order-p"), (routeCreated, "route-p"),
        (limit(7), "creditLimit-b"), (opened, "account"), (routeConfirmed, "route-o-o"),
    ])
    func `Audit reports an event whose data names another stream, and does not count it`(
        _ event: Audit.Event, _ stream: String
    ) throws {
        var audit = try audited(opened)
        let payload = try recorded(event, at: 2)
        audit.record(
            Recorded(
                event, position: 2, stream: try StreamName(stream), revision: 0, id: payload.id,
                time: epoch, correlationID: .none))
        #expect(audit.findings.map(\.kind) == [.misplaced], "\(audit.findings)")
        #expect(audit.findings.first?.message.hasPrefix("stream \(stream) holds ") == true)
        #expect(audit.totals.isEmpty && audit.orderCount == 0 && audit.limitFigures.isEmpty)
    }

    @Test func `Audit ignores categories that do not belong to the suite`() throws {
        var audit = Audit()
        audit.record(
            try record(at: 1, stream: "card-1", type: "MoneyCredited", data: "nothing readable"))
        audit.record(try record(at: 2, stream: "$queue-x", type: "QueuePut", data: "{}"))
        audit.close()
        #expect(audit.findings == [])
    }

    @Test func `Audit reads events as they are amended, and counts them`() throws {
        var audit = try audited(opened)
        let empty = try record(at: 2, stream: "account-a", type: "MoneyCredited", data: "{}")
        let unknown = try record(at: 3, stream: "account-a", type: "MoneyBurnt", data: "{}")
        let data = """
            {"account":"a","amount":{"amount":7,"currency":"USD"},\
            "repaid":{"amount":0,"currency":"USD"},"reference":""}
            """
        audit.record(empty.amended(by: .data(Array(data.utf8))))
        audit.record(unknown.amended(by: .skip))
        audit.close()
        #expect(audit.findings == [] && audit.amendedEvents == 2)
        #expect(audit.totals[.usd]?.credits == 7)
    }

    @Test func `Audit reads events of earlier versions`() throws {
        var audit = Audit()
        audit.record(
            try record(
                at: 1, stream: "route-o", type: "RouteCreated",
                data: """
                    {"order":"o","customer":"a","origin":"A","destination":"B","legs":[],\
                    "itemsTotal":{"amount":1,"currency":"USD"},\
                    "shipping":{"amount":1,"currency":"USD"},\
                    "total":{"amount":2,"currency":"USD"},"arrivesAt":"2026-01-01T00:00:00Z"}
                    """))
        #expect(audit.findings == [])
    }
}
