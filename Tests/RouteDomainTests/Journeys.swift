import Contracts
import EventSourcing
import RouteDomain

let usd = try! Currency("USD")  // USD is in the currency table.

func journey(_ from: String, _ to: String, quantity: Int = 1) -> Journey {
    Journey(
        origin: from, destination: to, quantity: quantity, currency: usd,
        departsAt: Timestamp(microseconds: 0))
}
