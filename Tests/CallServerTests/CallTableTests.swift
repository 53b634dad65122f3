import CallServer
import EventSourcing
import Foundation
import Testing
import WireProtocol

@Suite struct `Table of calls` {
    private let table = CallTable(of: "orders", access: .none)
    private let ann = Caller(name: "ann", permissions: .everything)

    private func answer(_ name: String, _ argument: String) async throws -> String {
        let answer = try await table.answer(
            Array(name.utf8), Array(argument.utf8), to: .local)
        #expect(answer.count == 1)
        return String(decoding: answer[0], as: UTF8.self)
    }

    @Test func `Call is answered by the handler of its name`() async throws {
        table.handle("echo") { argument, _ in (argument, "ok") }
        table.handle("greet") { _, caller in (Data("\(caller.name ?? "you")".utf8), "ok") }
        #expect(try await answer("echo", "hello") == "hello")
        #expect(try await answer("greet", "") == "you")
    }

    @Test func `Answer may have several frames`() async throws {
        table.handleFrames("list") { argument, _ in ([argument, Data("marks".utf8)], "ok") }
        let frames = try await table.answer(Array("list".utf8), Array("all".utf8), to: .local)
        #expect(frames == [Array("all".utf8), Array("marks".utf8)])
    }

    @Test func `Unknown call is rejected with the names of all calls`() async throws {
        table.handle("b") { argument, _ in (argument, "ok") }
        table.handle("a") { argument, _ in (argument, "ok") }
        let error = await #expect(throws: ProtocolError.self) { try await answer("c", "") }
        #expect(error?.code == .notFound)
        #expect(error?.message == "orders has no call 'c'; it has a, b")
        table.removeAll()
        await #expect(throws: ProtocolError.self) { try await answer("a", "") }
    }

    @Test func `Error of a handler is answered by its kind`() async throws {
        table.handle("place") { _, _ in throw DaybookError(.rejected, "no such customer") }
        let error = await #expect(throws: ProtocolError.self) { try await answer("place", "") }
        #expect(error?.code == .rejected && error?.message == "no such customer")
    }

    @Test func `Key may have 512 calls in progress`() throws {
        for _ in 0..<512 { try table.begin(ann) }
        let error = #expect(throws: ProtocolError.self) { try table.begin(ann) }
        #expect(error?.code == .overloaded && table.running == 512)
        // Other keys have their own limit, and local callers have none.
        try table.begin(Caller(name: "bob", permissions: .everything))
        for _ in 0..<600 { try table.begin(.local) }
        table.end(ann)
        try table.begin(ann)
        #expect(table.running == 1113)
    }
}
