import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import GRDB
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@testable import BalanceMain
@testable import ServiceRuntime

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Snapshots of past states` {
    /// An account with 3,000 credits of one cent; their positions are 2 to 3,001.
    private func history() async throws -> IntegrationHarness.Suite {
        let suite = try Suite()
        try suite.start("event-store")
        let store = try await suite.eventStore()
        let stream = try StreamName("account-ann")
        let usd = try Currency("USD")
        let opened = AccountEvent.opened(
            AccountOpened(account: "ann", currency: usd, openedAt: Timestamp(microseconds: 0)))
        let credited = AccountEvent.credited(
            MoneyCredited(
                account: "ann", amount: Money(1, usd), repaid: Money(0, usd), reference: ""))
        let events = try ([opened] + Array(repeating: credited, count: 3000)).map { event in
            NewEvent(stream: stream, type: event.type, tags: event.tags, data: try event.encoded())
        }
        for start in stride(from: 0, to: events.count, by: 500) {
            _ = try await store.append(Array(events[start..<min(start + 500, events.count)]))
        }
        await store.close()
        return suite
    }

    private func funds(
        _ suite: IntegrationHarness.Suite, at position: UInt64
    ) async throws -> Int64 {
        let store = try await suite.eventStore()
        let past = PastReading<BalanceService>(client: store, folder: suite.home)
        let view = try await past.answer(BalanceService.entity, "ann", asOf: .position(position))
        await store.close()
        return view.funds
    }

    private func change(_ suite: IntegrationHarness.Suite, _ sql: String) throws {
        try DatabaseQueue(path: "\(suite.home)/past.sqlite").write { try $0.execute(sql: sql) }
    }

    @Test func `Snapshot is used only if the log has its event and its version is current`()
        async throws
    {
        let suite = try await history()
        #expect(try await funds(suite, at: 2501) == 2500)
        let kept = try await DatabaseQueue(path: "\(suite.home)/past.sqlite").read { db in
            try Int64.fetchAll(db, sql: "SELECT position FROM snapshot ORDER BY position")
        }
        #expect(kept.count == 1 && (1000...2001).contains(kept[0]), "\(kept)")
        for position in [1, 2, 1000, 1500, 2400, 2501, 3001] as [UInt64] {
            #expect(try await funds(suite, at: position) == Int64(position) - 1)
        }

        // A falsified snapshot shows that it is used, until its event or its version does not
        // match.
        try change(suite, #"UPDATE snapshot SET model = replace(model, '"funds":', '"funds":9')"#)
        #expect(try await funds(suite, at: 2501) > 9000)
        #expect(try await funds(suite, at: 500) == 499)
        try change(suite, "UPDATE snapshot SET event = '\(EventID.random())'")
        #expect(try await funds(suite, at: 2501) == 2500)
        try change(suite, #"UPDATE snapshot SET model = replace(model, '"funds":', '"funds":9')"#)
        try change(suite, "UPDATE snapshot SET version = 99")
        #expect(try await funds(suite, at: 2501) == 2500)
        // An amendment may change how any event is read, so only later snapshots are used.
        try change(suite, #"UPDATE snapshot SET model = replace(model, '"funds":', '"funds":9')"#)
        try change(suite, "UPDATE snapshot SET amendment = amendment + 1")
        #expect(try await funds(suite, at: 2501) == 2500)
    }

    @Test func `Snapshots of a version without amendments are replaced`() async throws {
        let suite = try await history()
        try change(suite, "CREATE TABLE past (query TEXT, argument TEXT, version INTEGER)")
        #expect(try await funds(suite, at: 2501) == 2500)
        let tables = try await DatabaseQueue(path: "\(suite.home)/past.sqlite").read { db in
            try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        #expect(tables == ["snapshot"])
    }

    @Test func `Past state is computed without a usable snapshot file`() async throws {
        let suite = try await history()
        let file = "\(suite.home)/past.sqlite"
        #expect(try await funds(suite, at: 2501) == 2500)
        try Data("damaged".utf8).write(to: URL(filePath: file))
        #expect(try await funds(suite, at: 2501) == 2500)
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
        #expect(try await funds(suite, at: 2501) == 2500)
    }
}
