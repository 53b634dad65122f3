import Foundation
import HistoryChecker
import IntegrationHarness
import TestSupport
import Testing

/// Many clients use two accounts through three services that decide on the same streams, while
/// processes are killed. `DAYBOOK_STORM_KILLS` sets how many kills there are (default: 4).
@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Accounts under heavy load` {
    @Test func `No movement is lost or repeated, and every rejection and balance is correct`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store", ["--rules", Suite.rules])
        for service in ["balance", "withdraw", "credit"] { try suite.start(service) }
        let load = try await AccountLoad(suite)
        try await load.openAccounts()
        let kills = ProcessInfo.processInfo.environment["DAYBOOK_STORM_KILLS"].flatMap(Int.init)
        let victims = ["withdraw", "credit", "event-store", "balance"]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<8 { group.addTask { try await load.work(seed: UInt64(seed)) } }
            for kill in 0..<(kills ?? 4) {
                await load.waitForCalls(150)
                let victim = victims[kill % victims.count]
                suite.kill(victim)
                try suite.start(victim)
            }
            await load.waitForCalls(150)
            load.stop()
            try await group.waitForAll()
        }
        let calls = load.calls
        let findings = HistoryChecker(calls, try await suite.accountEvents()).findings()
        #expect(findings.isEmpty, "\(findings.prefix(10)), \(findings.count) in all")
        let answers = Dictionary(grouping: calls) { "\($0.answer)".prefix { $0 != "(" } }
        for answer in ["acknowledged", "rejected", "answered"] {
            #expect(answers[answer[...], default: []].count > 10, "\(answers.mapValues(\.count))")
        }
        await load.close()
    }
}
