import Testing
import ZeroMQ

@testable import Observability

struct `Metrics requests` {
    @Test func `Request is parsed to its path and method`() throws {
        let get = try HTTPRequest(Array("GET /metrics?a=b HTTP/1.1\r\nHost: here".utf8))
        #expect(get.path == "/metrics")
        #expect(!get.isHead)
        #expect(try HTTPRequest(Array("HEAD / HTTP/1.0\n".utf8)).isHead)
    }

    @Test(
        arguments: [
            ("", .malformed), ("GET", .malformed), ("GET /metrics", .malformed),
            ("GET  /metrics HTTP/1.1", .malformed), ("GET metrics HTTP/1.1", .malformed),
            ("GET http://h/metrics HTTP/1.1", .malformed), ("\0\u{ff}\u{1}", .malformed),
            ("GET /metrics SPDY/1", .malformed), ("GET / HTTP/2.0", .unknownVersion),
            ("GET / HTTP/1.10", .unknownVersion), ("get / HTTP/1.1", .unknownMethod),
            ("POST /metrics HTTP/1.1", .unknownMethod),
        ] as [(String, HTTPRequest.Fault)])
    func `Invalid request is rejected with its fault`(head: String, fault: HTTPRequest.Fault) {
        #expect(throws: fault) { try HTTPRequest(Array(head.utf8)) }
    }

    @Test(
        arguments: [
            ("", nil), ("GET / HTTP/1.1\r\n", nil), ("GET / HTTP/1.1\r\n\r", nil),
            ("GET / HTTP/1.1\r\n\r\n", 18), ("a\n\nb", 3), ("a\n\r\nb", 4), ("a\r\n\nb", 4),
        ] as [(String, Int?)])
    func `Head of a request ends with an empty line`(text: String, end: Int?) {
        #expect(HTTPRequest.headEnd(in: Array(text.utf8)) == end)
    }

    @Test func `Response states its length and closes the connection`() {
        let answer = HTTPResponse(status: "200 OK", body: "ä\n")
        let text = String(decoding: answer.bytes(isHead: false), as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(
            text.hasSuffix(
                "\r\nContent-Length: 3\r\nCache-Control: no-store\r\n"
                    + "Connection: close\r\n\r\nä\n"))
        let head = String(decoding: answer.bytes(isHead: true), as: UTF8.self)
        #expect(text == head + "ä\n")
        let failure = HTTPResponse.failure("405 Method Not Allowed").bytes(isHead: false)
        #expect(String(decoding: failure, as: UTF8.self).contains("\r\nAllow: GET, HEAD\r\n"))
    }
}

struct `Metrics addresses` {
    @Test(
        arguments: [
            ("unix:/run/a:b.sock", .unix(path: "/run/a:b.sock")), ("unix:a", .unix(path: "a")),
            ("0.0.0.0:9464", .tcp(host: "0.0.0.0", port: 9464)),
            ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("[::1]:9464", .tcp(host: "::1", port: 9464)),
        ] as [(String, StreamAddress)])
    func `Address is a socket path or a host and a port`(text: String, address: StreamAddress) {
        #expect(StreamAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "unix:", ":9464", "localhost", "localhost:", "localhost:65536", "localhost:-1",
        "::1:9464", "[]:9464", "http://localhost:9464", "localhost:9464/metrics",
    ])
    func `Any other address is rejected`(text: String) { #expect(StreamAddress(text) == nil) }
}

struct `Process metrics` {
    @Test func `Process metrics have Prometheus's standard names`() throws {
        let names = Set(ProcessMetrics.read().map(\.name))
        #expect(
            names == [
                "process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes",
                "process_start_time_seconds", "process_virtual_memory_bytes",
            ])
    }

    @Test func `Process metrics are read behind a name with spaces and parentheses`() {
        let stat =
            "7 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 1000 4096000 25 0 0"
        let metrics = ProcessMetrics.metrics(stat: stat, pageBytes: 4096)
        #expect(metrics.map(\.name).first == "process_cpu_seconds_total")
        #expect(
            metrics.contains(
                .gauge("process_resident_memory_bytes", "Resident memory.", 102_400)))
        #expect(ProcessMetrics.metrics(stat: "7 (a) S", pageBytes: 4096).isEmpty)
    }
}
