import Contracts
import CreditLimitDomain
import EventSourcing
import EventSourcingTesting
import TestSupport
import Testing

private let usd = try! Currency("USD")  // USD is in the currency table.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

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
}
