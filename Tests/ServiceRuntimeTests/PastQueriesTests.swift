import EventSourcing
import Foundation
import Synchronization
import Testing
import WireProtocol
import ZeroMQ

@testable import ServiceRuntime

@Suite(.timeLimit(.minutes(1))) struct `Queries of past states` {
    private let loop = SocketLoop(name: "past")
    private let queries: PastQueries
    private let ann = Caller(name: "ann", permissions: .everything)
    private let bob = Caller(name: "bob", permissions: .everything)

    init() { queries = PastQueries(on: loop) }

    /// A fold that goes on until the test ends it, or its task is cancelled.
    private final class Fold: Sendable {
        private let begun = Atomic(false)
        private let beginning = AsyncStream<Void>.makeStream()
        private let ending = AsyncStream<Void>.makeStream()

        func run() async throws -> Data {
            begun.store(true, ordering: .relaxed)
            beginning.continuation.finish()
            for await _ in ending.stream {}
            try Task.checkCancellation()
            return Data("folded".utf8)
        }

        var hasBegun: Bool { begun.load(ordering: .relaxed) }

        func waitForBeginning() async { for await _ in beginning.stream {} }
        func end() { ending.continuation.finish() }
    }

    private func answer(
        _ argument: String = "", id: EventID? = nil, of caller: Caller,
        within timeout: Double? = nil,
        _ fold: @escaping @Sendable () async throws -> Data = { Data("at once".utf8) }
    ) async throws -> String {
        let answer = try await queries.answer(
            "account", Data(argument.utf8), id: id, of: caller, within: timeout, fold)
        return String(decoding: answer, as: UTF8.self)
    }

    @Test func `Caller has two queries running, its others wait, and other callers do not`()
        async throws
    {
        let (first, second, third) = (Fold(), Fold(), Fold())
        async let one = answer(of: ann, first.run)
        async let two = answer(of: ann, second.run)
        await first.waitForBeginning()
        await second.waitForBeginning()
        async let three = answer(of: ann, third.run)
        #expect(try await answer(of: bob) == "at once")
        #expect(try await answer(of: .local) == "at once")
        #expect(!third.hasBegun)
        first.end()
        #expect(try await one == "folded")
        await third.waitForBeginning()
        second.end()
        third.end()
        #expect(try await [two, three] == ["folded", "folded"])
    }

    @Test func `Only a limited number of a caller's queries wait`() async throws {
        let folds = [Fold(), Fold()]
        try await withThrowingTaskGroup(of: String?.self) { group in
            for fold in folds { group.addTask { try await answer(of: ann, fold.run) } }
            for fold in folds { await fold.waitForBeginning() }
            for _ in 0..<17 {
                group.addTask {
                    do {
                        return try await answer(of: ann)
                    } catch let error as ProtocolError where error.code == .overloaded {
                        return nil
                    }
                }
            }
            // The first to end is the one for which there is no room.
            #expect(try await group.next() == .some(nil))
            for fold in folds { fold.end() }
            let others = try await group.reduce(into: []) { $0.append($1) }
            #expect(others.count == 18 && !others.contains(nil))
        }
    }

    @Test func `Query that is repeated after its caller left does not get the cancelled answer`()
        async throws
    {
        let stubborn = Fold()
        let cancelled = AsyncStream<Void>.makeStream()
        let fold: @Sendable () async throws -> Data = {
            try await withTaskCancellationHandler {
                // Not cancelled with this task, so that it goes on for a while.
                try await Task { try await stubborn.run() }.value
            } onCancel: {
                cancelled.continuation.finish()
            }
        }
        let id = EventID.random()
        let first = Task { try await answer(id: id, of: ann, fold) }
        await stubborn.waitForBeginning()
        first.cancel()
        for await _ in cancelled.stream {}
        #expect(try await answer(id: id, of: ann) == "at once")
        stubborn.end()
        _ = await first.result
    }

    @Test func `Query ends after its caller's timeout, running or waiting, and makes room`()
        async throws
    {
        for _ in 1...2 {
            let error = await #expect(throws: DaybookError.self) {
                try await answer(of: ann, within: 0.001, Fold().run)
            }
            #expect(error?.kind == .unavailable)
        }
        let (first, second) = (Fold(), Fold())
        async let one = answer(of: ann, first.run)
        async let two = answer(of: ann, within: 1e300, second.run)
        await first.waitForBeginning()
        await second.waitForBeginning()
        await #expect(throws: DaybookError.self) { try await answer(of: ann, within: 0.001) }
        first.end()
        second.end()
        #expect(try await [one, two] == ["folded", "folded"])
        #expect(try await answer(of: ann) == "at once")
    }

    @Test(arguments: [-1e300, -1, -0.0, 0]) func `Timeout must be above 0`(
        timeout: Double
    ) async throws {
        let error = await #expect(throws: DaybookError.self) {
            try await answer(of: ann, within: timeout)
        }
        #expect(error?.kind == .invalid)
    }

    @Test func `Repeated query gets the answer that is being computed, but another does not`()
        async throws
    {
        let (fold, id) = (Fold(), EventID.random())
        async let first = answer("1", id: id, of: ann, fold.run)
        await fold.waitForBeginning()
        async let repeated = answer("1", id: id, of: ann) { throw CancellationError() }
        #expect(try await answer("2", id: id, of: ann) == "at once")
        #expect(try await answer("1", id: id, of: bob) == "at once")
        #expect(try await answer("1", of: ann) == "at once")
        fold.end()
        #expect(try await [first, repeated] == ["folded", "folded"])
        #expect(try await answer("1", id: id, of: ann) == "at once")
    }

    @Test func `Query stops when the service stops`() async throws {
        let fold = Fold()
        let call = Task { try await answer(of: ann, fold.run) }
        await fold.waitForBeginning()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }

    @Test func `Query is computed on the loop of past states`() async throws {
        let loop = loop
        let thread = try await answer(of: ann) {
            Data("\(loop.isIsolatingCurrentContext() ?? false)".utf8)
        }
        #expect(thread == "true")
    }

    @Test(arguments: [DaybookError.Kind.unreadable, .invalid, .unavailable])
    func `Caller gets the error of the query`(_ kind: DaybookError.Kind) async throws {
        let error = await #expect(throws: DaybookError.self) {
            try await answer(of: ann) { throw DaybookError(kind, "event 7") }
        }
        #expect(error?.kind == kind && error?.description == "event 7")
    }
}
