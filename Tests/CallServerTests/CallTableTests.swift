import CallServer
import EventSourcing
import Foundation
import Testing
import WireProtocol
import ZeroMQ

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

    @Test func `Client may have 512 calls in progress`() throws {
        for lane in [CallerLane(ann, [1]), CallerLane(.local, [1])] {
            let others = table.running
            for _ in 0..<512 { try table.begin(lane) }
            let error = #expect(throws: ProtocolError.self) { try table.begin(lane) }
            #expect(error?.code == .overloaded && table.running == others + 512)
        }
        // A key's connections share its calls. Others have their own.
        #expect(throws: ProtocolError.self) { try table.begin(CallerLane(ann, [2])) }
        try table.begin(CallerLane(Caller(name: "bob", permissions: .everything), [1]))
        try table.begin(CallerLane(.local, [2]))
        table.end(CallerLane(ann, [1]))
        try table.begin(CallerLane(ann, [2]))
        #expect(table.running == 1026)
    }

    @Test func `Client may have 16 MiB of calls in progress, and one larger call`() throws {
        let client = CallerLane(ann, [])
        try table.begin(client, bytes: 20 << 20)
        #expect(throws: ProtocolError.self) { try table.begin(client, bytes: 1) }
        table.end(client, bytes: 20 << 20)
        for _ in 0..<16 { try table.begin(client, bytes: 1 << 20) }
        #expect(throws: ProtocolError.self) { try table.begin(client, bytes: 1) }
    }

    @Test func `Server full of one client's calls accepts those of others`() throws {
        for peer in UInt8(0)..<4 {
            for _ in 0..<512 { try table.begin(.connection([peer])) }
        }
        #expect(throws: ProtocolError.self) { try table.begin(.connection([0])) }
        // From here on, a client may have its part.
        for peer in UInt8(4)..<10 {
            let part = 2048 / (Int(peer) + 1)
            for _ in 0..<part { try table.begin(.connection([peer])) }
            let error = #expect(throws: ProtocolError.self) {
                try table.begin(.connection([peer]))
            }
            #expect(error?.message.contains("\(part) calls") == true)
        }
        while table.running < 4096 {
            try table.begin(.connection([UInt8(10 + table.running % 200)]))
        }
        // From here on, a client may have a few.
        for _ in 0..<8 { try table.begin(.connection([254])) }
        #expect(throws: ProtocolError.self) { try table.begin(.connection([254])) }
        try table.begin(.connection([255]))
    }
}
