import Contracts
import EventSourcing
import Testing

@Suite struct `Contract checks` {
    private func check(_ stream: String, _ type: String, _ data: String) throws {
        try Contract.check(type: type, data: Array(data.utf8)[...], in: StreamName(stream))
    }

    private func record(_ stream: String, _ type: String, _ data: String) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(stream: StreamName(stream), type: type, data: Array(data.utf8))
            .encode(into: &bytes)
        bytes[RecordLayout.position] = 17
        return try RecordedEvent(bytes[...])
    }

    private static let credit =
        #"{"account":"p1","amount":{"amount":7,"currency":"USD"},"#
        + #""repaid":{"amount":0,"currency":"USD"},"reference":""}"#
    private static let oldRoute =
        #"{"order":"o","customer":"a","origin":"A","destination":"B","legs":[],"#
        + #""itemsTotal":{"amount":1,"currency":"USD"},"shipping":{"amount":1,"currency":"USD"},"#
        + #""total":{"amount":2,"currency":"USD"},"arrivesAt":"2026-01-01T00:00:00Z"}"#

    @Test(arguments: Sample.all)
    func `Event of a service passes in the stream of its entity and in no other`(
        _ sample: Sample
    ) throws {
        let family = try #require(
            Contract.families.first { $0.categories == [sample.category] })
        let event = try #require(
            try family.init(type: sample.type, data: Array(sample.text.utf8)[...]))
        try check("\(sample.category)-\(event.entity)", sample.type, sample.text)
        for stream in ["\(sample.category)-other", sample.category] {
            let error = #expect(throws: DaybookError.self) {
                try check(stream, sample.type, sample.text)
            }
            #expect(error?.kind == .invalid)
            #expect(error?.description.contains("is about '\(event.entity)'") == true)
            #expect(error?.description.contains("its stream is \(stream)") == true)
        }
    }

    @Test func `Events of earlier versions and of categories without a contract pass`() throws {
        try check("route-o", "RouteCreated", Self.oldRoute)
        for category in ["card-1", "accounts-p1", "$queue-x", "Account"] {
            try check(category, "MoneyCredited", "not JSON")
        }
    }

    @Test(arguments: [
        ("MoneyCredited", "{}", "lacks 'account'"),
        ("MoneyCredited", "[]", "docs/schemas/MoneyCredited.json"),
        (
            "MoneyCredited", #"{"account":"p1","amount":{"amount":"7","currency":"USD"}}"#,
            "amount.amount: "
        ),
        ("MoneyCredited", "not JSON", "the data of this MoneyCredited can't be read"),
        ("MoneyCredted", credit, "no event type 'MoneyCredted'; did you mean 'MoneyCredited'?"),
        ("moneycredited", credit, "did you mean 'MoneyCredited'?"),
        ("MoneyCredited.2", credit, "did you mean 'MoneyCredited'?"),
        ("CompletelyUnknownThing", "{}", "it has AccountOpened, MoneyCredited, MoneyWithdrawn"),
        ("OrderConfirmed", #"{"order":"p1","customer":"p1"}"#, "no event type 'OrderConfirmed'"),
    ])
    func `Event that no service could read is rejected with the reason`(
        _ type: String, _ data: String, _ reason: String
    ) {
        let error = #expect(throws: DaybookError.self) { try check("account-p1", type, data) }
        #expect(error?.kind == .invalid)
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func `Remedy for an event that a service can read is its reversal`() throws {
        let credit = Contract.remedy(for: try record("account-p1", "MoneyCredited", Self.credit))
        #expect(credit == "reverse it with: credit reverse 17 --reason <text>")
        let step = Contract.remedy(
            for: try record("order-o", "OrderConfirmed", #"{"order":"o","customer":"a"}"#))
        #expect(step == "reverse it with: orders reverse 17 --reason <text>")
        let opened = Contract.remedy(
            for: try record(
                "account-p1", "AccountOpened",
                #"{"account":"p1","currency":"USD","openedAt":"2026-01-01T00:00:00Z"}"#))
        #expect(opened?.contains("withdraw the money instead") == true)
    }

    @Test func `Event that no service can read, or that no contract knows, has no remedy`() throws {
        for (stream, type, data) in [
            ("account-zzz", "MoneyCredited", Self.credit), ("account-p1", "MoneyCredited", "{}"),
            ("account-p1", "MoneyBurnt", "{}"), ("card-1", "MoneyCredited", Self.credit),
            ("$rule-x", "RulePut", "{}"),
        ] {
            let event = try record(stream, type, data)
            #expect(Contract.remedy(for: event) == nil, "\(stream) \(type)")
        }
    }
}
