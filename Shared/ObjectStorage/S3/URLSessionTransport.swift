import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Sends requests by Foundation's URLSession.
///
/// URLSession comes with the toolchain and is Sendable. It stops with its task, and four kinds of
/// requests with whole bodies are enough here. AsyncHTTPClient would suit streamed bodies. But it
/// adds SwiftNIO and BoringSSL's TLS, minutes of every first build, to a process that otherwise
/// speaks ZeroMQ.
final class URLSessionTransport: HTTPTransport {
    private let endpoint: String
    private let session: URLSession

    /// Creates a transport.
    ///
    /// - Parameter endpoint: the scheme, host and port.
    init(endpoint: String) {
        self.endpoint = endpoint
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 60
        configuration.urlCache = nil
        configuration.httpCookieStorage = nil
        // A delegate of a task would not do: on Linux, URLSession does not ask it about redirects.
        session = URLSession(
            configuration: configuration, delegate: RedirectRefusal(), delegateQueue: nil)
    }

    deinit { session.finishTasksAndInvalidate() }

    func send(_ request: HTTPRequest) async throws(ObjectStorageError) -> HTTPResponse {
        guard let url = URL(string: endpoint + request.target) else {
            throw .unavailable("\(endpoint)\(request.target) is not a URL")
        }
        var urlRequest = URLRequest(url: url)
        urlRequest.httpMethod = request.method
        // URLSession sets the host itself.
        for field in request.headers where field.name != "host" {
            urlRequest.setValue(field.value, forHTTPHeaderField: field.name)
        }
        if request.method == "PUT" { urlRequest.httpBody = Data(request.body) }
        let (body, response): (Data, URLResponse)
        do {
            (body, response) = try await session.data(for: urlRequest)
        } catch {
            if error is CancellationError || (error as? URLError)?.code == .cancelled {
                throw .cancelled
            }
            throw .unavailable(error.localizedDescription)
        }
        guard let response = response as? HTTPURLResponse else {
            throw .unavailable("the answer is not HTTP")
        }
        return HTTPResponse(
            status: response.statusCode,
            location: response.value(forHTTPHeaderField: "Location"),
            region: response.value(forHTTPHeaderField: "x-amz-bucket-region"), body: Array(body))
    }
}

/// Follows no redirect.
///
/// URLSession would send the request with its signature and session token to any other host that
/// the answer names.
private final class RedirectRefusal: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
