import AccountDomain
import AuditDomain
import BalanceDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import TestSupport
import Testing

/// Credits are reversed at random, while other money moves and limits change. Balance and
/// creditLimit follow the log, each at its own pace, and crash now and then.
@Suite(.mayBlock) struct `Reversals under random interleavings` {
    private static let customers = 3

    @Test(arguments: 0..<30)
    func `Every reversal completes or is rejected, and the books balance`(seed: UInt64) throws {
        let world = try simulate(seed)
        var audit = world.audit
        audit.close()
        #expect(audit.findings.isEmpty, "seed \(seed): \(audit.findings)")
        #expect(world.objections.isEmpty, "seed \(seed): \(world.objections)")
        try world.checkReversals("seed \(seed)")
        for (customer, account) in audit.accountFigures {
            #expect(account.held == 0 && account.funds >= 0, "seed \(seed): \(customer)")
            #expect(account.owed == audit.limitFigures[customer]?.used, "seed \(seed)")
        }
    }

    @Test func `Simulated reversals end in every way`() throws {
        // The seeds above would prove little if all their reversals ended alike.
        var types: [String: Int] = [:]
        for seed in UInt64(0)..<10 {
            for entry in try simulate(seed).log { types[entry.type, default: 0] += 1 }
        }
        for type in [
            CreditReversalCompleted.type, CreditReversalRejected.type, CreditRepaid.type,
            ReversalCreditDrawn.type, ReversalCreditDenied.type,
        ] {
            #expect(types[type, default: 0] > 10, "\(type): \(types)")
        }
    }

    /// Returns the world after random events, once the participants have handled everything.
    private func simulate(_ seed: UInt64) throws -> World {
        var random = SplitMix(state: seed)
        let world = World()
        let services: [any Follower] = [
            Service(BalanceParticipant(), Account.self, in: world),
            Service(CreditLimitParticipant(), CreditLimit.self, in: world),
        ]
        for customer in 0..<Self.customers {
            let open = OpenAccount(account: "c\(customer)", currency: .usd, openedAt: world.time)
            try world.execute(.open(open), of: Account.self, cause: "open-\(customer)")
            let limit = SetCreditLimit(customer: "c\(customer)", limit: Money(1000, .usd))
            try world.execute(.set(limit), of: CreditLimit.self, cause: "limit-\(customer)")
        }
        for _ in 0..<600 { try disturb(world, services, &random) }
        while !services.allSatisfy(\.isDone) {
            for service in services where !service.isDone { try service.step() }
        }
        return world
    }

    /// Makes one random thing happen that may happen at any time.
    private func disturb(
        _ world: World, _ services: [any Follower], _ random: inout SplitMix
    ) throws {
        let service = services[Int.random(in: 0..<services.count, using: &random)]
        let customer = "c\(Int.random(in: 0..<Self.customers, using: &random))"
        let amount = Money(Int64.random(in: 1...600, using: &random), .usd)
        let cause = "user-\(random.next())"
        do {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<40: if !service.isDone { try service.step() }
            case 40..<60: try world.reverse(Account.self, by: "credit", cause: cause, &random)
            case 60..<64: try world.reverse(Account.self, by: "balance", cause: cause, &random)
            case 64..<66: try world.reverse(Account.self, by: "withdraw", cause: cause, &random)
            case 66..<70: service.save()
            case 70: service.crash()
            case 71: service.loseMemory()
            case 72..<74:
                try world.execute(
                    .set(SetCreditLimit(customer: customer, limit: amount)),
                    of: CreditLimit.self, cause: cause)
            case 74..<86:
                try world.execute(
                    .withdraw(WithdrawMoney(account: customer, amount: amount)),
                    of: Account.self, cause: cause)
            default:
                try world.execute(
                    .credit(CreditMoney(account: customer, amount: amount)),
                    of: Account.self, cause: cause)
            }
        } catch let error as DaybookError where error.kind == .rejected {
            // A rejection is a valid answer: nothing was appended.
        }
    }
}

extension World {
    /// Expects that every requested reversal has ended once, and that no credit is reversed twice.
    func checkReversals(_ seed: Comment) throws {
        var open: Set<String> = []
        var reversed: [EventID] = []
        for entry in log {
            switch try AccountEvent(type: entry.type, data: entry.data[...]) {
            case .reversalRequested(let event):
                #expect(open.insert("\(event.account)/\(event.request)").inserted, seed)
            case .reversalRejected(let event):
                #expect(open.remove("\(event.account)/\(event.request)") != nil, seed)
            case .reversalCompleted(let event):
                #expect(open.remove("\(event.account)/\(event.request)") != nil, seed)
                reversed.append(try #require(event.reverses).event)
            case .withdrawn(let event):
                if let reverses = event.reverses { reversed.append(reverses.event) }
            default: break
            }
        }
        #expect(open.isEmpty, seed)
        #expect(Set(reversed).count == reversed.count, seed)
    }
}
