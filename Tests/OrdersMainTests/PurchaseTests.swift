import Contracts
import EventSourcing
import Foundation
import Testing

@testable import OrdersMain

private let now = Timestamp(microseconds: 1_800_000_000_000_000)

private func read(_ lines: [String], limit: Int = .max) throws -> PurchaseFile {
    PurchaseFile(
        (["customer date items price"] + lines).joined(separator: "\n"), limit: limit,
        try Currency("USD"), now: now)
}

private func ids(_ lines: [String], from source: String) throws -> [String] {
    try read(lines).purchases.map { ImportIDs.order($0, from: source) }
}

@Suite struct `Order book lines` {
    @Test func `Line of an order book becomes a purchase`() throws {
        let file = try read([" 00001 19970101  1   11.77", "", " 00097 20260228 12 5.00"])
        #expect(file.badLines == [])
        let first = try #require(file.purchases.first)
        #expect(first.line == 2 && first.number == 1 && first.occurrence == 0)
        #expect(first.customer == "00001" && first.fields == "00001 19970101 1 11.77")
        #expect(first.item == OrderItem(sku: "cds-1", quantity: 1, unitPrice: Money(1177, .usd)))
        #expect(first.placedAt == Timestamp("1997-01-01"))
        #expect(file.purchases.last?.line == 4 && file.purchases.last?.number == 2)
        #expect(file.purchases.last?.destination == "XXX")
    }

    @Test(arguments: [
        ("-0005 19970101 1 11.77", "the customer '-0005' is not a number from 0 to"),
        ("+5 19970101 1 11.77", "the customer '+5'"), ("5.0 19970101 1 11.77", "the customer"),
        ("nan 19970101 1 11.77", "the customer"), ("٥ 19970101 1 11.77", "the customer"),
        ("9223372036854775808 19970101 1 11.77", "the customer '9223372036854775808'"),
        ("18446744073709551616 19970101 1 11.77", "the customer"),
        ("1 99991231 1 11.77", "the date 99991231 is in the future"),
        ("1 00000101 1 11.77", "the date '00000101' is not a day"),
        ("1 19970230 1 11.77", "the date '19970230' is not a day"),
        ("1 1997010 1 11.77", "the date"), ("1 199701011 1 11.77", "the date"),
        ("1 -9970101 1 11.77", "the date"), ("1 1997-1-1 1 11.77", "the date"),
        ("1 19970101 0 11.77", "the number of items '0' is not a number from 1 to"),
        ("1 19970101 -1 11.77", "the number of items '-1'"),
        ("1 19970101 1000000001 11.77", "the number of items"),
        ("1 19970101 9223372036854775808 11.77", "the number of items"),
        ("1 19970101 1e300 11.77", "the number of items"),
        ("1 19970101 1 -11.77", "the price -11.77 is negative"),
        ("1 19970101 1 nan", "the price 'nan' is not an amount"),
        ("1 19970101 1 inf", "the price 'inf'"), ("1 19970101 1 1e300", "the price '1e300'"),
        ("1 19970101 1 90071992547409.92", "is more than the largest amount"),
        ("1 19970101 1 99999999999999999999.99", "is more than the largest amount"),
        ("1 19970101 1", "it has 3 fields, not 4"), ("1 19970101 1 1.00 1", "it has 5 fields"),
    ])
    func `Line with an invalid field is rejected with its number and reason`(
        _ bad: (line: String, reason: String)
    ) throws {
        let file = try read(["1 19970101 1 11.77", bad.line, "2 19970101 1 11.77"])
        #expect(file.purchases.map(\.customer) == ["1", "2"])
        #expect(file.badLines.map(\.line) == [3])
        #expect(file.badLines.first?.reason.contains(bad.reason) == true, "\(file.badLines)")
    }

    @Test func `Line with values at the limits is accepted`() throws {
        let file = try read([
            "9223372036854775807 00010101 1000000000 90071992547409.91",
            "0 \(now.description.prefix(10).filter { $0 != "-" }) 1 0.00",
        ])
        #expect(file.badLines == [])
    }

    @Test func `Order book without lines has no purchases`() throws {
        let empty = PurchaseFile("", limit: .max, try Currency("USD"), now: now)
        #expect(empty.purchases.isEmpty && empty.badLines.isEmpty)
        #expect(try read([]).purchases.isEmpty)
    }
}

@Suite struct `Ids of imported orders` {
    /// Returns lines of few different texts, so that many of them occur more than once.
    private func lines(_ count: Int, seed: UInt64) -> [String] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return "\(state >> 60) 19970101 \(1 + (state >> 58) % 3) 1.00"
        }
    }

    @Test(arguments: UInt64(1)..<40)
    func `Ids stay the same when lines are added at the end of a file`(seed: UInt64) throws {
        let all = try ids(lines(120, seed: seed), from: "a.txt")
        let part = try ids(Array(lines(120, seed: seed).prefix(70)), from: "a.txt")
        #expect(Set(all).count == all.count)
        #expect(Array(all.prefix(70)) == part)
    }

    @Test(arguments: UInt64(1)..<40)
    func `Lines have the same ids in any order`(seed: UInt64) throws {
        let some = lines(80, seed: seed)
        #expect(try Set(ids(some, from: "s")) == Set(ids(some.reversed(), from: "s")))
        // Lines that are added in the middle do not change the ids of the others.
        let grown =
            ["7 19980101 1 2.00"] + some.prefix(40) + ["8 19980101 1 2.00"] + some.suffix(40)
        #expect(try Set(ids(grown, from: "s")).isSuperset(of: ids(some, from: "s")))
    }

    @Test(arguments: [
        ("a.txt", "b.txt"), ("a", "a.b"), ("a b", "a_b"), ("a", "a "), ("x/y", "x_y"), ("1", "11"),
        (String(repeating: "x", count: 40), String(repeating: "x", count: 41)),
        ("é", "e\u{301}e"),
    ])
    func `Two sources have no id in common`(_ a: String, _ b: String) throws {
        let some = lines(50, seed: 3)
        #expect(try Set(ids(some, from: a)).isDisjoint(with: ids(some, from: b)))
    }

    @Test(arguments: ["cdnow_master.txt", "a b/ü\u{1B}\n", String(repeating: "é", count: 300), "-"])
    func `Every id is a valid order id`(source: String) throws {
        for id in try ids(["1 19970101 1 1.00"], from: source) {
            try Identifier.check(id, what: "order id")
        }
    }

    /// Earlier imports used these ids. They must never change.
    @Test func `Known ids never change`() throws {
        let lines = ["00001 19970101 1 11.77", "00001 19970101 1 11.77"]
        #expect(
            try ids(lines, from: "cdnow_master.txt") == [
                "cdnow_master.txt.49bba49bbf2e5fa38f9d", "cdnow_master.txt.d337921892da5db49a23",
            ])
    }

    /// An earlier version derived ids without the source: of orders from the line, of commands from
    /// the order and the customer.
    @Test func `Ids of earlier versions are still derived`() throws {
        let purchases = try read(["00001 19970101 1 11.77", "", "00002 19970112 1 12.00"]).purchases
        #expect(purchases.map(ImportIDs.numbered) == ["cdnow.1", "cdnow.2"])
        let commands =
            [ImportIDs.placing("cdnow.1")]
            + ["open", "credit", "limit"].map { ImportIDs.customer("00001", $0) }
        #expect(
            commands.map(\.description) == [
                "d00503fe-b00f-5320-bf30-7133428c05ba", "5d8eb4ad-6867-5b91-a9e2-25f6b6efdf92",
                "c0c4574d-2902-5c4f-9efc-cbedfbbaf4f5", "0c983504-ef27-57d4-97b1-e385b63a0a39",
            ])
    }
}
