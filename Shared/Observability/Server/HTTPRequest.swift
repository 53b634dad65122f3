/// The parts of an HTTP/1 request that the metrics server needs.
struct HTTPRequest: Hashable {
    /// The largest head that the server accepts, in bytes.
    static let maximumBytes = 8192

    /// Why the server rejects a request, with the status of the answer.
    enum Fault: String, Error {
        case malformed = "400 Bad Request"
        case unknownMethod = "405 Method Not Allowed"
        case tooLong = "431 Request Header Fields Too Large"
        case unknownVersion = "505 HTTP Version Not Supported"
    }

    /// The path, without the query.
    let path: String
    /// Whether the client asks for the head of the answer only.
    let isHead: Bool

    /// Reads the request line, which begins the head.
    init(_ head: [UInt8]) throws(Fault) {
        var line = head.prefix { $0 != UInt8(ascii: "\n") }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let words = String(decoding: line, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].hasPrefix("/"), words[2].hasPrefix("HTTP/") else {
            throw .malformed
        }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else { throw .unknownVersion }
        guard words[0] == "GET" || words[0] == "HEAD" else { throw .unknownMethod }
        isHead = words[0] == "HEAD"
        path = String(words[1].prefix { $0 != "?" })
    }

    /// Returns the size of the head with its final empty line, in bytes, or nil while it is
    /// incomplete.
    ///
    /// - Parameter bytes: what the client has sent so far.
    static func headEnd(in bytes: [UInt8]) -> Int? {
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        for index in bytes.indices where bytes[index] == lf {
            let before = bytes[..<index]
            if before.last == lf || before.suffix(2) == [lf, cr] { return index + 1 }
        }
        return nil
    }
}

/// An answer of the metrics server.
struct HTTPResponse: Hashable {
    let status: String
    var contentType = "text/plain; charset=utf-8"
    var body: String

    /// Returns an answer whose body is its status.
    static func failure(_ status: String) -> HTTPResponse {
        HTTPResponse(status: status, body: status + "\n")
    }

    /// Returns the answer as it is sent. It is the last on its connection.
    func bytes(isHead: Bool) -> [UInt8] {
        let allow = status.hasPrefix("405") ? "Allow: GET, HEAD\r\n" : ""
        let head = """
            HTTP/1.1 \(status)\r
            Content-Type: \(contentType)\r
            Content-Length: \(body.utf8.count)\r
            \(allow)Cache-Control: no-store\r
            Connection: close\r
            \r

            """
        return Array((head + (isHead ? "" : body)).utf8)
    }
}
