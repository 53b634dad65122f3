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

    private func draw(_ amount: Int64, for request: Int = 1) -> CreditLimit.Command {
        .drawForReversal(customer: "a", request: request, amount: money(amount))
    }
    private func drawn(_ amount: Int64, for request: Int = 1) -> CreditLimitEvent {
        .reversalDrawn(ReversalCreditDrawn(customer: "a", request: request, amount: money(amount)))
    }
    private func denied(
        _ amount: Int64, available: Money, required: Int64, _ reason: CreditDenied.Reason
    ) -> CreditLimitEvent {
        .reversalDenied(
            ReversalCreditDenied(
                customer: "a", request: 1, amount: money(amount), available: available,
                requiredLimit: money(required), reason: reason))
    }

    @Test func `Reversal draws credit up to what is available`() throws {
        let scenario = given(CreditLimit.self, set, reserved(300))
        #expect(try scenario.when(draw(200)) == [drawn(200)])
        #expect(try scenario.after(draw(200)).state.used == 200)
        #expect(try scenario.after(draw(200)).state.available == 0)
    }

    @Test func `Denial of credit to a reversal names the limit that would be enough`() throws {
        #expect(
            try given(CreditLimit.self, set, reserved(300)).when(draw(201))
                == [denied(201, available: money(200), required: 501, .limitExceeded)])
        #expect(
            try given(CreditLimit.self).when(draw(201))
                == [denied(201, available: money(0), required: 201, .noLimit)])
        let euros = CreditLimitEvent.set(CreditLimitSet(customer: "a", limit: Money(900, .eur)))
        #expect(
            try given(CreditLimit.self, euros).when(draw(201))
                == [denied(201, available: Money(900, .eur), required: 201, .wrongCurrency)])
        // The limit that the denial names is enough.
        let enough = CreditLimitEvent.set(CreditLimitSet(customer: "a", limit: money(501)))
        #expect(
            try given(CreditLimit.self, set, reserved(300), enough).when(draw(201)) == [drawn(201)])
    }

    @Test func `Request of a reversal is decided once`() throws {
        let no = denied(600, available: money(500), required: 600, .limitExceeded)
        for decision in [drawn(200), no] {
            #expect(try given(CreditLimit.self, set, decision).when(draw(100)) == [])
            #expect(
                try given(CreditLimit.self, set, decision).when(draw(100, for: 2))
                    == [drawn(100, for: 2)])
        }
        #expect(try given(CreditLimit.self, set).when(draw(0)) == [])
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
