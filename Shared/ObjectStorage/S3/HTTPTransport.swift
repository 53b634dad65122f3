/// Carries requests to one endpoint.
protocol HTTPTransport: Sendable {
    /// The answer, whatever its status.
    func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse
}

struct HTTPField: Hashable, Sendable {
    let name: String
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

struct HTTPRequest: Hashable, Sendable {
    let method: String
    /// Not encoded yet, as the query.
    let path: String
    var query: [HTTPField] = []
    /// Each name once.
    var headers: [HTTPField] = []
    var body: [UInt8] = []

    var encodedPath: String { path.percentEncoded(keeping: "/") }

    /// The path and the query, as a URL has them.
    var target: String {
        let query = query.map { "\($0.name.percentEncoded())=\($0.value.percentEncoded())" }
        return encodedPath + (query.isEmpty ? "" : "?") + query.joined(separator: "&")
    }
}

struct HTTPResponse: Hashable, Sendable {
    let status: Int
    /// What the header `Content-Length` says, if it is there: of an answer to HEAD, the size of the
    /// object.
    var contentLength: Int?
    var body: [UInt8] = []
}

/// No answer came.
enum HTTPFailure: Error, Hashable {
    case cancelled
    /// The connection could not be made, or broke.
    case connection(String)
}
