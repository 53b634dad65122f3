import Testing

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
