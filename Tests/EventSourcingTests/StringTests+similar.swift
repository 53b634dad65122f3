import EventSourcing
import Testing

@Suite struct `Similar names` {
    @Test(arguments: [
        ("invoces", "invoices"), ("invoicse", "invoices"), ("Invoices", "invoices"),
        ("invoicess", "invoices"), ("statistic", "statistics"), ("credit-limit", "creditLimit"),
        ("p2", "p1"),
    ])
    func `Name with a typing error gets the name that was meant`(given: String, meant: String) {
        let names = ["statistics", "creditLimit", "invoices", "p1"]
        #expect(given.mostSimilar(among: names) == meant)
    }

    @Test(arguments: ["nope", "x", "", "mail", String(repeating: "invoices", count: 100)])
    func `Name without resemblance gets no suggestion`(given: String) {
        #expect(given.mostSimilar(among: ["statistics", "invoices", "q", ""]) == nil)
        #expect(given.mostSimilar(among: []) == nil)
    }

    @Test func `Most similar name comes first, and then the first in the alphabet`() {
        #expect("orders1".mostSimilar(among: ["orders22", "orders"]) == "orders")
        #expect("orderx".mostSimilar(among: ["orders", "ordera"]) == "ordera")
    }
}
