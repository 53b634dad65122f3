import EventSourcing
import Foundation
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
    private struct Fold: Sendable {
        private let beginning = AsyncStream<Void>.makeStream()
        private let ending = AsyncStream<Void>.makeStream()

        func run() async throws -> Data {
            beginning.continuation.finish()
            for await _ in ending.stream {}
            try Task.checkCancellation()
            return Data("folded".utf8)
        }

        func waitForBeginning() async { for await _ in beginning.stream {} }
        func end() { ending.continuation.finish() }
    }

    private func answer(
        _ argument: String, of caller: Caller, within timeout: Double? = nil,
        _ fold: @escaping @Sendable () async throws -> Data = { Data("at once".utf8) }
    ) async throws -> String {
        let answer = try await queries.answer(
            "account", Data(argument.utf8), of: caller, within: timeout, fold)
        return String(decoding: answer, as: UTF8.self)
    }

    @Test func `Caller may have two queries running, and other callers have their own`()
        async throws
    {
        let (first, second) = (Fold(), Fold())
        async let one = answer("1", of: ann, first.run)
        async let two = answer("2", of: ann, second.run)
        await first.waitForBeginning()
        await second.waitForBeginning()
        let error = await #expect(throws: ProtocolError.self) { try await answer("3", of: ann) }
        #expect(error?.code == .overloaded)
        #expect(try await answer("3", of: bob) == "at once")
        #expect(try await answer("3", of: .local) == "at once")
        first.end()
        #expect(try await one == "folded")
        #expect(try await answer("3", of: ann) == "at once")
        second.end()
        #expect(try await two == "folded")
    }

    @Test(arguments: [-1e300, 0, 0.001])
    func `Query stops after its caller's timeout and makes room for others`(
        timeout: Double
    ) async throws {
        for argument in ["1", "2"] {
            await #expect(throws: CancellationError.self) {
                try await answer(argument, of: ann, within: timeout, Fold().run)
            }
        }
        #expect(try await answer("3", of: ann, within: 1e300) == "at once")
    }

    @Test func `Query stops when the service stops`() async throws {
        let fold = Fold()
        let call = Task { try await answer("1", of: ann, fold.run) }
        await fold.waitForBeginning()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }

    @Test func `Query is computed on the loop of past states`() async throws {
        let loop = loop
        let thread = try await answer("1", of: ann) {
            Data("\(loop.isIsolatingCurrentContext() ?? false)".utf8)
        }
        #expect(thread == "true")
    }

    @Test func `Unreadable event rejects the query, and other errors stay as they are`()
        async throws
    {
        for (thrown, answered) in [
            (.unreadable, .rejected), (.invalid, .invalid), (.unavailable, .unavailable),
        ] as [(DaybookError.Kind, DaybookError.Kind)] {
            let error = await #expect(throws: DaybookError.self) {
                try await answer("1", of: ann) { throw DaybookError(thrown, "event 7") }
            }
            #expect(error?.kind == answered && error?.description == "event 7")
        }
    }
}
