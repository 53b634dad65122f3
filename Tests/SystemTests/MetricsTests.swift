import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Metrics of a suite` {
    @Test func `Every process serves the documented metrics, and is live and ready`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("mia", funds: "100.00", credit: "1.00")
        try await suite.place("measured", of: "mia", price: 1)
        #expect(try await suite.ended("measured").status == .confirmed)
        #expect(try suite.audit().status == 0)
        let archived = try suite.run(
            "event-store", "archives", "create", "all", "--to", suite.home + "/archives")
        #expect(archived.status == 0, "\(archived)")
        let client = try await suite.eventStore()
        let event = try NewEvent(stream: StreamName("order-measured"), type: "T", data: [])
        await #expect(throws: ProtocolError.self) {
            try await client.append([event], .stream(event.stream, .noStream))
        }
        let head = Double(try await client.welcome().head)
        await client.close()
        var found: [String: Set<String>] = [:]
        for name in Suite.services + ["event-store"] {
            let (status, body) = try suite.get("/metrics", of: name)
            #expect(status == "HTTP/1.1 200 OK")
            found[name] = Set(try Scrape(body).families.keys)
            try checkByPromtool(body, of: name)
            #expect(try suite.get("/live", of: name).status == "HTTP/1.1 200 OK")
            #expect(try suite.get("/ready", of: name) == ("HTTP/1.1 200 OK", "ready\n"))
        }
        let documented = try Self.documented()
        let own = { (name: String) in found[name]?.subtracting(documented["Every process"] ?? []) }
        #expect(own("event-store") == documented["The event store"])
        #expect(own("orders") == documented["A service"])
        for service in Suite.services {
            #expect(own(service)?.isSubset(of: documented["A service"] ?? []) == true)
        }

        let store = try suite.scrape("event-store")
        for figure in ["store_head_position", "store_appended_events_total", "bus_routed_position"]
        { #expect(store["daybook_\(figure)"] == head, "\(figure)") }
        #expect(store[#"daybook_store_errors_total{code="wrongRevision"}"#] ?? 0 >= 1)
        #expect(store[#"daybook_queue_depth{queue="orders"}"#] == 0)
        for name in ["delivered", "acknowledged"] {
            #expect(store["daybook_queue_\(name)_total{queue=\"balance\"}"] ?? 0 >= 2)
        }
        let orders = try suite.scrape("orders")
        #expect(
            orders[#"daybook_calls_total{call="PlaceOrder",outcome="appended"}"#] == 1)
        #expect(orders[#"daybook_call_seconds_count{call="PlaceOrder"}"#] ?? 0 >= 1)
        #expect(orders["daybook_projection_lag_events"] == 0)
        #expect(try suite.scrape("balance")["daybook_participant_handled_total"] ?? 0 >= 2)
    }

    /// The metrics in the tables of docs/operations.md, by the line above each table.
    private static func documented() throws -> [String: Set<String>] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/operations.md")
        var (names, process): ([String: Set<String>], String) = ([:], "")
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if let match = line.firstMatch(of: /(Every process|The event store|A service):$/) {
                process = String(match.output.1)
            }
            guard line.hasPrefix("| `"), let cell = line.split(separator: "|").first else {
                continue
            }
            let found = cell.matches(of: /`((?:daybook|process)_[a-z_]+)`/).map { $0.output.1 }
            names[process, default: []].formUnion(found.map(String.init))
        }
        return names
    }

    /// Checks the metrics with Prometheus's promtool, if it is installed.
    private func checkByPromtool(_ body: String, of name: String) throws {
        let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
        guard
            let promtool = folders.map({ $0 + "/promtool" })
                .first(where: FileManager.default.isExecutableFile)
        else { return }
        let file = URL(filePath: "/tmp/daybook-\(UUID().uuidString.prefix(8)).prom")
        try Data(body.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let tool = Process()
        tool.executableURL = URL(filePath: String(promtool))
        tool.arguments = ["check", "metrics"]
        tool.standardInput = try FileHandle(forReadingFrom: file)
        let said = Pipe()
        (tool.standardOutput, tool.standardError) = (said, said)
        try Spawning.alone { try tool.run() }
        let complaints = try said.fileHandleForReading.readToEnd() ?? Data()
        tool.waitUntilExit()
        let text = String(decoding: complaints, as: UTF8.self)
        #expect(tool.terminationStatus == 0 && text.isEmpty, "\(name): \(text)")
    }

    @Test func `Service that can't work is live but not ready, and says why`() async throws {
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
        #expect(try suite.scrape("orders")["daybook_event_store_up"] == 0)
        try suite.start("event-store", ["--rules", Suite.rules])
        while try suite.get("/ready", of: "orders").status != "HTTP/1.1 200 OK" {
            try await lookAgainSoon()
        }
        #expect(try suite.scrape("orders")["daybook_event_store_up"] == 1)
    }

    @Test func `Metrics are served despite malformed, aborted and silent requests`() async throws {
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
        // These clients close before they are answered.
        for _ in 1...100 {
            try RawConnection(to: endpoint).send(Array("GET /metrics HTTP/1.1\r\n\r\n".utf8))
        }
        // More silent clients than are served at a time.
        let silent = try (1...100).map { _ in
            let stranger = Silent(try RawConnection(to: endpoint))
            stranger.connection.send(Array("GET /metrics HTTP/1.1\r\n".utf8))
            return stranger
        }
        // The oldest of them ends for each client that comes, and so for the next one.
        #expect(
            try suite.get("/metrics", of: "credit").status == "HTTP/1.1 200 OK")
        #expect(try await suite.status(of: "credit").service == "credit")
        #expect(suite.terminate("credit") == 0)
        _ = silent
    }

    @Test func `Option --metrics turns metrics off and rejects invalid or used endpoints`()
        async throws
    {
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
        #expect(
            wrong.errors.contains(
                "--metrics must be unix:<path>, <host>:<port> or off, not '9464'"))
        // A process can use the socket file that a killed one left.
        suite.kill("credit")
        try suite.start("credit")
        _ = try await suite.status(of: "credit")
        #expect(try suite.get("/live", of: "credit").status == "HTTP/1.1 200 OK")
    }
}

/// Keeps a connection open without sending more.
private final class Silent {
    let connection: RawConnection

    init(_ connection: consuming RawConnection) { self.connection = connection }
}
