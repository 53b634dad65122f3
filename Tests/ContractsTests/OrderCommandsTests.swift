import Contracts
import EventSourcing
import Testing

struct `Commands with times of the caller's clock` {
    private let item = OrderItem(sku: "cd", quantity: 1, unitPrice: Money(1177, .usd))

    private func place(_ order: String = "o", at seconds: Int) -> PlaceOrder {
        let now = Timestamp.earliest + .seconds(seconds)
        return PlaceOrder(
            order: order, customer: "c", items: [item], destination: "LHR", placedAt: now,
            deadline: now + .seconds(60))
    }

    private func digest(_ command: some Encodable) throws -> String {
        try CommandDigest.text(of: command, named: "command", at: "service")
    }

    @Test func `Order that is placed again later is the same order`() throws {
        #expect(try digest(place(at: 1)) == digest(place(at: 5)))
        #expect(try digest(place(at: 1)) != digest(place("p", at: 1)))
    }

    @Test func `Account that is opened again later is the same account`() throws {
        func open(_ account: String, at seconds: Int) -> OpenAccount {
            OpenAccount(
                account: account, currency: .usd, openedAt: .earliest + .seconds(seconds))
        }
        #expect(try digest(open("a", at: 1)) == digest(open("a", at: 5)))
        #expect(try digest(open("a", at: 1)) != digest(open("b", at: 1)))
    }
}
