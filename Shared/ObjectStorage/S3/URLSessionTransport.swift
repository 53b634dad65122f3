import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Requests by Foundation's URLSession.
///
/// It comes with the toolchain, is Sendable, ends with its task, and needs to do no more than five
/// kinds of request with whole bodies. AsyncHTTPClient would be the choice for bodies in streams;
/// it brings SwiftNIO and BoringSSL's TLS, minutes of every first build, to a process that speaks
/// ZeroMQ otherwise.
final class URLSessionTransport: HTTPTransport {
    private let endpoint: String
    private let session: URLSession

    /// - Parameter endpoint: scheme, host and port.
    init(endpoint: String) {
        self.endpoint = endpoint
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 60
        configuration.urlCache = nil
        configuration.httpCookieStorage = nil
        session = URLSession(configuration: configuration)
    }

    deinit { session.finishTasksAndInvalidate() }

    func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse {
        guard let url = URL(string: endpoint + request.target) else {
            throw .connection("\(endpoint)\(request.target) is no URL")
        }
        var urlRequest = URLRequest(url: url)
        urlRequest.httpMethod = request.method
        // URLSession says itself which host it asks.
        for field in request.headers where field.name != "host" {
            urlRequest.setValue(field.value, forHTTPHeaderField: field.name)
        }
        if request.method == "PUT" { urlRequest.httpBody = Data(request.body) }
        do {
            let (body, response) = try await session.data(for: urlRequest)
            guard let response = response as? HTTPURLResponse else {
                throw HTTPFailure.connection("the answer is not HTTP")
            }
            let length = response.value(forHTTPHeaderField: "Content-Length")
            return HTTPResponse(
                status: response.statusCode, contentLength: length.flatMap { Int($0) },
                body: Array(body))
        } catch let failure as HTTPFailure {
            throw failure
        } catch {
            if error is CancellationError || (error as? URLError)?.code == .cancelled {
                throw .cancelled
            }
            throw .connection(error.localizedDescription)
        }
    }
}
