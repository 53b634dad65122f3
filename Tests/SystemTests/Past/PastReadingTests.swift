import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@testable import BalanceMain
@testable import CreditLimitMain
@testable import CreditMain
@testable import OrdersMain
@testable import RouteMain
@testable import ServiceRuntime
@testable import WithdrawMain

/// Compares answers about the past, at many positions, with those of a service that was built from
/// all events up to that position.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Past states of entities` {
    @Test func `Past answer equals the answer of a service built up to that position`() async throws
    {
        let suite = try await History.suite(orders: 120)
        let customers = try await suite.customers()
        let orders = try await suite.events(.init([.init(types: ["OrderPlaced"])])).map(\.stream.id)
        try await compare(suite, BalanceService.entity, of: customers)
        try await compare(suite, BalanceService.statement, of: customers)
        try await compare(suite, BalanceService.accounts, of: [Nothing()])
        try await compare(suite, CreditLimitService.entity, of: customers)
        try await compare(suite, CreditLimitService.limits, of: [Nothing()])
        try await compare(suite, OrdersService.entity, of: orders)
        try await compare(suite, OrdersService.customer, of: customers)
        try await compare(suite, OrdersService.summary, of: [Nothing()])
        try await compare(suite, OrdersService.count, of: [orders])
        try await compare(suite, RouteService.entity, of: orders)
        try await compare(suite, WithdrawService.movements, of: customers)
        try await compare(suite, CreditService.movements, of: customers)
    }

    /// Extends the service's store to one position after another. At each of them, it asks the
    /// store, the log as of the position and as of its time, and the running service for some
    /// entities.
    private func compare<S, Argument, Answer>(
        _ suite: IntegrationHarness.Suite, _ query: ServiceQuery<S, Argument, Answer>,
        of arguments: [Argument]
    ) async throws where Answer: Equatable {
        let store = try await suite.eventStore()
        let service = try await suite.client(of: S.name)
        // Reading the past saves and uses snapshots. The store that is built does not use them.
        let kept = "\(suite.home)/kept/\(S.name)"
        try FileManager.default.createDirectory(
            atPath: kept, withIntermediateDirectories: true)
        let past = PastReading<S>(client: store, folder: kept, snapshotInterval: 3)
        var random = SplitMix(state: 7)
        var known = 0
        var built = try await Rebuilding<S.ReadProjection>(
            at: "\(suite.home)/\(query.name).built", log: try await store.welcome().log,
            from: store)
        let events = try await suite.events(S.ReadProjection.query)
        let last = try #require(events.last)
        let positions = events.indices.filter { _ in
            Int.random(in: 0..<events.count, using: &random) < 12
        }
        for event in positions.map({ events[$0] }) + [last] {
            let position = event.position
            try await built.extend(to: position, from: store) { _ in }
            let file = try StoreFile<S>(built.store.path)
            for argument in arguments.shuffled(using: &random).prefix(6) {
                let expected = try await outcome { try file.answer(query, argument).answer }
                if case .success = expected { known += 1 }
                let what: Comment = "\(query.name) of \(argument) at \(position)"
                let moments = [Moment.position(position), .time(event.time)]
                for moment in moments {
                    let answer = try await outcome {
                        try await past.answer(query, argument, asOf: moment)
                    }
                    #expect(answer == expected, what)
                }
                let asked = try await outcome {
                    try await service.query(
                        query.name, argument, asOf: .position(position), as: Answer.self)
                }
                #expect(asked == expected, what)
            }
        }
        // The comparison proves little if most of the answers are rejections.
        #expect(known > positions.count, "\(query.name)")
        try built.abandon()
        await service.close()
        await store.close()
    }

    private struct Refused: Error, Equatable { let why: String }

    /// The answer or the reason for its rejection, computed in this process or by the service.
    private func outcome<Answer>(
        _ body: () async throws -> Answer
    ) async throws -> Result<Answer, Refused> {
        do {
            return .success(try await body())
        } catch let rejection as DaybookError where rejection.kind == .rejected {
            return .failure(Refused(why: rejection.description))
        } catch let error as ProtocolError where error.code == .rejected {
            return .failure(Refused(why: error.description))
        }
    }
}
