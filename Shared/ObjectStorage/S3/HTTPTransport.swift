/// Sends requests to one endpoint.
protocol HTTPTransport: Sendable {
    /// Returns the answer, whatever its status. A redirect is an answer, too: it is not followed.
    ///
    /// - Throws: `unavailable` with the reason if the connection failed, or `cancelled`.
    func send(_ request: HTTPRequest) async throws(ObjectStorageError) -> HTTPResponse
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
    /// The path, which is not percent-encoded yet. Neither is the query.
    let path: String
    var query: [HTTPField] = []
    /// The headers, each name once.
    var headers: [HTTPField] = []
    var body: [UInt8] = []

    var encodedPath: String { path.percentEncoded(keeping: "/") }

    /// The path and the query as in a URL.
    var target: String {
        let query = query.map { "\($0.name.percentEncoded())=\($0.value.percentEncoded())" }
        return encodedPath + (query.isEmpty ? "" : "?") + query.joined(separator: "&")
    }
}

struct HTTPResponse: Hashable, Sendable {
    let status: Int
    /// Where a redirect leads, or nil.
    var location: String?
    /// The region of the bucket, if the store names it.
    var region: String?
    var body: [UInt8] = []
}
