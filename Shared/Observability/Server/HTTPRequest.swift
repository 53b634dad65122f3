/// What is asked of the metrics' server: the head of an HTTP/1 request, of which little matters.
struct HTTPRequest: Hashable {
    /// A head with more bytes is refused.
    static let maximumBytes = 8192

    /// Why a request is refused.
    enum Fault: Error, Hashable {
        case malformed
        case unknownVersion
        case unknownMethod
    }

    let path: String
    /// Whether only the head of the answer is asked for.
    let isHead: Bool

    /// Reads a head, without the empty line that ends it.
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

    /// How many bytes the head has at the beginning of `bytes`, with the empty line that ends it;
    /// nil if that is not there yet.
    static func headEnd(in bytes: [UInt8]) -> Int? {
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        for index in bytes.indices where bytes[index] == lf {
            let before = bytes[..<index]
            if before.last == lf || before.suffix(2) == [lf, cr] { return index + 1 }
        }
        return nil
    }
}

/// What the metrics' server answers.
struct HTTPResponse: Hashable {
    let status: String
    var contentType = "text/plain; charset=utf-8"
    var body: String

    static func refusal(_ status: String) -> HTTPResponse {
        HTTPResponse(status: status, body: status + "\n")
    }

    /// As it is sent; every answer is the last on its connection.
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
