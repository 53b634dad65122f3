import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ServiceKit
import Testing
import WireProtocol

extension Suite {
    /// What the process answers to a GET at its metrics' socket.
    func get(_ path: String, of name: String) throws -> (status: String, body: String) {
        let connection = try RawConnection(
            to: "ipc://\(home)/\(name).metrics.sock", patience: 30)
        connection.send(Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        return connection.answer()
    }

    /// The figure of the line that begins so.
    func figure(_ line: String, of name: String) throws -> Double? {
        try get("/metrics", of: name).body.split(separator: "\n")
            .first { $0.hasPrefix(line + " ") }
            .flatMap { Double($0.dropFirst(line.count + 1)) }
    }
}

extension RawConnection {
    /// All that comes until the other end has no more.
    fileprivate func answer() -> (status: String, body: String) {
        var received: [UInt8] = []
        _ = receive(&received) { _ in false }
        let text = String(decoding: received, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        let status = parts[0].components(separatedBy: "\r\n")[0]
        return (status, parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}

extension `The suite` {
    @Test func `tells Prometheus how each process is doing`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("mia", funds: "100.00", credit: "1.00")
        try await suite.place("measured", of: "mia", price: 1)
        let end = try await suite.ended("measured")
        #expect(end.status == .confirmed)
        #expect(try suite.audit().status == 0)
        for name in Suite.services + ["event-store"] {
            let (status, body) = try suite.get("/metrics", of: name)
            #expect(status == "HTTP/1.1 200 OK")
            try check(body, of: name)
            #expect(try suite.get("/live", of: name).status == "HTTP/1.1 200 OK")
            #expect(try suite.get("/ready", of: name) == ("HTTP/1.1 200 OK", "ready\n"))
        }
        let store = try await suite.eventStore()
        let head = Double(try await store.welcome().head)
        await store.close()
        #expect(try suite.figure("daybook_store_head_position", of: "event-store") == head)
        #expect(
            try suite.figure("daybook_store_appended_events_total", of: "event-store") == head)
        #expect(try suite.figure("daybook_bus_routed_position", of: "event-store") == head)
        #expect(try suite.figure(#"daybook_queue_depth{queue="orders"}"#, of: "event-store") == 0)
        for name in ["delivered", "acknowledged"] {
            let line = "daybook_queue_\(name)_total{queue=\"balance\"}"
            #expect(try suite.figure(line, of: "event-store") ?? 0 >= 2)
        }
        #expect(
            try suite.figure(
                #"daybook_calls_total{call="PlaceOrder",outcome="appended"}"#, of: "orders") == 1)
        #expect(
            try suite.figure(#"daybook_call_seconds_count{call="PlaceOrder"}"#, of: "orders")
                == 1)
        #expect(try suite.figure("daybook_participant_handled_total", of: "balance") ?? 0 >= 2)
        #expect(try suite.figure("daybook_projection_lag_events", of: "orders") == 0)
    }

    /// Each line is one that Prometheus reads; and its own tool, where there is one, has nothing
    /// to say.
    private func check(_ body: String, of name: String) throws {
        let line =
            #/(# (HELP|TYPE) [a-z_]+ .+)|([a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? \S+)/#
        for text in body.split(separator: "\n") {
            #expect(text.wholeMatch(of: line) != nil, "\(name): \(text)")
        }
        let promtool = "/usr/bin/promtool"
        guard FileManager.default.isExecutableFile(atPath: promtool) else { return }
        let file = URL(filePath: "/tmp/daybook-\(UUID().uuidString.prefix(8)).prom")
        try Data(body.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let tool = Process()
        tool.executableURL = URL(filePath: promtool)
        tool.arguments = ["check", "metrics"]
        tool.standardInput = try FileHandle(forReadingFrom: file)
        let said = Pipe()
        tool.standardError = said
        try tool.run()
        let complaints = try said.fileHandleForReading.readToEnd() ?? Data()
        tool.waitUntilExit()
        #expect(
            tool.terminationStatus == 0, "\(name): \(String(decoding: complaints, as: UTF8.self))")
    }

    @Test func `says of a process why it is not ready, while it lives`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("orders")
        _ = try await suite.status(of: "orders")
        let waiting = try suite.get("/ready", of: "orders")
        #expect(waiting.status == "HTTP/1.1 503 Service Unavailable")
        #expect(waiting.body == "the participant waits for queue 'orders'\n")
        let ready = try suite.get("/ready", of: "event-store")
        #expect(ready.status == "HTTP/1.1 200 OK")
        suite.kill("event-store")
        let alone = try suite.get("/ready", of: "orders")
        #expect(alone.status == "HTTP/1.1 503 Service Unavailable")
        #expect(try suite.get("/live", of: "orders").status == "HTTP/1.1 200 OK")
        #expect(try suite.figure("daybook_event_store_up", of: "orders") == 0)
        try suite.start("event-store", ["--rules", Suite.rules])
        while try suite.get("/ready", of: "orders").status != "HTTP/1.1 200 OK" {
            await Task.yield()
        }
        #expect(try suite.figure("daybook_event_store_up", of: "orders") == 1)
    }

    @Test func `is scraped through whatever strangers send to its metrics`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("credit")
        _ = try await suite.status(of: "credit")
        let endpoint = "ipc://\(suite.home)/credit.metrics.sock"
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 16)
        let answers: [([UInt8], String)] = [
            (Array("GET /metrics/ HTTP/1.1\r\n\r\n".utf8), "404 Not Found"),
            (Array("POST /metrics HTTP/1.1\r\n\r\n".utf8) + long, "405 Method Not Allowed"),
            (Array("GET / HTTP/3\r\n\r\n".utf8), "505 HTTP Version Not Supported"),
            (long, "431 Request Header Fields Too Large"),
            ([UInt8](repeating: 0xFF, count: 100) + Array("\n\n".utf8), "400 Bad Request"),
            (Array("GET /live HTTP/1.1\r\n\r\nGET /live HTTP/1.1\r\n\r\n".utf8), "200 OK"),
        ]
        for (bytes, status) in answers {
            let stranger = try RawConnection(to: endpoint)
            stranger.send(bytes)
            stranger.finish()
            #expect(stranger.answer().status == "HTTP/1.1 \(status)")
        }
        // Gone before they are answered.
        for _ in 1...100 {
            try RawConnection(to: endpoint).send(Array("GET /metrics HTTP/1.1\r\n\r\n".utf8))
        }
        // As many as are served at a time, that say nothing more.
        let silent = try (1...16).map { _ in
            let stranger = Silent(try RawConnection(to: endpoint))
            stranger.connection.send(Array("GET /metrics HTTP/1.1\r\n".utf8))
            return stranger
        }
        // They have their time, and no more; who comes meanwhile has its turn then.
        #expect(
            try suite.get("/metrics", of: "credit").status == "HTTP/1.1 200 OK")
        #expect(try await suite.status(of: "credit").service == "credit")
        #expect(suite.terminate("credit") == 0)
        _ = silent
    }

    @Test func `serves metrics where it is told, or not at all`() async throws {
        let suite = try Suite()
        try suite.start("event-store", ["--metrics", "off"])
        try suite.start("credit")
        _ = try await suite.status(of: "credit")
        #expect(!FileManager.default.fileExists(atPath: "\(suite.home)/event-store.metrics.sock"))
        let taken = "unix:\(suite.home)/credit.metrics.sock"
        let refused = try suite.run("withdraw", "serve", "--metrics", taken)
        #expect(refused.status == EX_UNAVAILABLE)
        #expect(
            refused.errors.contains(
                "withdraw: metrics can't be served at \(taken): Address already in use\n"))
        let wrong = try suite.run("withdraw", "serve", "--metrics", "9464")
        #expect(wrong.status == EX_USAGE)
        #expect(wrong.errors.contains("--metrics is unix:<path>, <host>:<port> or off, not '9464'"))
        // A process that was killed leaves its socket's file to the next.
        suite.kill("credit")
        try suite.start("credit")
        _ = try await suite.status(of: "credit")
        #expect(try suite.get("/live", of: "credit").status == "HTTP/1.1 200 OK")
    }
}

/// Keeps a connection open and says no more.
private final class Silent {
    let connection: RawConnection

    init(_ connection: consuming RawConnection) { self.connection = connection }
}
