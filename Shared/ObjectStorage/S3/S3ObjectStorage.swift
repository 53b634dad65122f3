import Crypto
import EventSourcing
import Foundation

/// Objects in a bucket of an S3-compatible store, addressed by path (`endpoint/bucket/key`).
///
/// Every request is signed over its body's SHA-256, and an upload also has a Content-MD5: the store
/// rejects data that was damaged on the way. If the connection or the server fails (429, 5xx), the
/// request is tried five times in all.
public struct S3ObjectStorage: ObjectStorage {
    private let bucket: String
    private let prefix: String
    private let configuration: S3Configuration
    private let transport: any HTTPTransport
    private let retries: RetryPolicy
    private let pageSize: Int
    private let now: @Sendable () -> Timestamp

    /// Creates a storage.
    ///
    /// - Parameter prefix: the text before every key, without the `/` between, or empty.
    public init(bucket: String, prefix: String, _ configuration: S3Configuration) {
        self.init(
            bucket: bucket, prefix: prefix, configuration,
            transport: URLSessionTransport(endpoint: configuration.endpoint))
    }

    /// Creates a storage with another transport, for tests.
    ///
    /// - Parameter pageSize: the maximum number of objects in one answer to a list.
    init(
        bucket: String, prefix: String, _ configuration: S3Configuration,
        transport: any HTTPTransport, retries: RetryPolicy = RetryPolicy(), pageSize: Int = 1000,
        now: @escaping @Sendable () -> Timestamp = {
            Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))
        }
    ) {
        self.bucket = bucket
        self.prefix = prefix.isEmpty ? "" : prefix + "/"
        self.configuration = configuration
        self.transport = transport
        self.retries = retries
        self.pageSize = pageSize
        self.now = now
    }

    /// Uploads the object.
    public func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError) {
        let sum = Data(Insecure.MD5.hash(data: bytes)).base64EncodedString()
        var request = try request("PUT", key)
        request.headers = [
            HTTPField("content-md5", sum), HTTPField("content-type", "application/octet-stream"),
        ]
        request.body = bytes
        let answer = try await send(request, "put", key)
        guard answer.status == 200 else { throw failure("put", key, answer) }
    }

    /// Downloads the object.
    public func get(_ key: String) async throws(ObjectStorageError) -> [UInt8] {
        let answer = try await send(request("GET", key), "get", key)
        guard answer.status == 200 else { throw failure("get", key, answer) }
        return answer.body
    }

    /// Returns the keys of all objects that begin with `prefix`, sorted by their bytes.
    public func list(_ prefix: String) async throws(ObjectStorageError) -> [String] {
        var keys: [String] = []
        var next: String?
        repeat {
            var request = HTTPRequest(method: "GET", path: "/\(bucket)")
            request.query = [
                HTTPField("list-type", "2"), HTTPField("encoding-type", "url"),
                HTTPField("max-keys", "\(pageSize)"), HTTPField("prefix", self.prefix + prefix),
            ]
            if let next { request.query.append(HTTPField("continuation-token", next)) }
            let answer = try await send(request, "list", prefix)
            guard answer.status == 200 else { throw failure("list", prefix, answer) }
            guard let page = S3Page(answer.body) else {
                throw .unavailable(line("list", prefix, "the answer is not a list of objects"))
            }
            // Compares bytes, because a character may reach across the end of the prefix.
            for key in page.keys where key.utf8.starts(with: self.prefix.utf8) {
                keys.append(String(Substring(key.utf8.dropFirst(self.prefix.utf8.count))))
            }
            next = page.next
        } while next != nil
        return keys.keys(with: "")
    }

    /// Deletes the object, if there is one.
    public func delete(_ key: String) async throws(ObjectStorageError) {
        let answer = try await send(request("DELETE", key), "delete", key)
        switch answer.status {
        case 200, 204: return
        case 404 where S3Document(answer.body)["Code"] != "NoSuchBucket": return
        default: throw failure("delete", key, answer)
        }
    }

    // MARK: Requests

    private func request(
        _ method: String, _ key: String
    ) throws(ObjectStorageError) -> HTTPRequest {
        try ObjectKey.check(key)
        return HTTPRequest(method: method, path: "/\(bucket)/\(prefix)\(key)")
    }

    private func send(
        _ request: HTTPRequest, _ operation: String, _ key: String
    ) async throws(ObjectStorageError) -> HTTPResponse {
        var attempt = 0
        while true {
            attempt += 1
            let problem: String
            do throws(ObjectStorageError) {
                let answer = try await transport.send(signed(request))
                guard answer.status == 429 || answer.status >= 500 else { return answer }
                problem = reason(answer)
            } catch {
                guard case .unavailable(let reason) = error else { throw error }
                problem = "\(reason) (\(configuration.endpoint))"
            }
            guard attempt < retries.attempts else {
                throw .unavailable(line(operation, key, problem))
            }
            do { try await retries.pause(retries.delay(after: attempt)) } catch {
                throw .cancelled
            }
        }
    }

    private func signed(_ request: HTTPRequest) -> HTTPRequest {
        // Converts 2013-05-24T00:00:00.000000Z into 20130524T000000Z.
        let time = now().description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        let hash = SHA256.hash(data: request.body).hex
        var request = request
        request.headers += [
            HTTPField("host", configuration.host), HTTPField("x-amz-content-sha256", hash),
            HTTPField("x-amz-date", time),
        ]
        if let token = configuration.sessionToken {
            request.headers.append(HTTPField("x-amz-security-token", token))
        }
        let authorization = configuration.signature.authorization(
            for: request, payloadHash: hash, time: time)
        request.headers.append(HTTPField("authorization", authorization))
        return request
    }

    // MARK: Failures

    private func failure(
        _ operation: String, _ key: String, _ answer: HTTPResponse
    ) -> ObjectStorageError {
        if answer.status == 404, S3Document(answer.body)["Code"] != "NoSuchBucket" {
            return .noObject(key)
        }
        return .rejected(line(operation, key, reason(answer)))
    }

    private func reason(_ answer: HTTPResponse) -> String {
        let document = S3Document(answer.body)
        let said = [document["Code"], document["Message"]].compactMap(\.self)
        return said.joined(separator: ": ") + (said.isEmpty ? "" : " ")
            + "(HTTP \(answer.status))" + redirect(answer, document)
    }

    /// Returns where a redirect leads, and what to set instead. Empty for other answers.
    private func redirect(_ answer: HTTPResponse, _ document: S3Document) -> String {
        guard (300..<400).contains(answer.status) else { return "" }
        let target = answer.location ?? document["Endpoint"] ?? "an unnamed place"
        let region = answer.region ?? document["Region"]
        let remedy = region.map { " and AWS_REGION to \($0)" } ?? " and AWS_REGION"
        return
            ": \(configuration.endpoint) redirects to \(target), and redirects are not followed; "
            + "set the endpoint (AWS_ENDPOINT_URL)\(remedy)"
    }

    private func line(_ operation: String, _ key: String, _ reason: String) -> String {
        let oneLine = reason.split(whereSeparator: \.isNewline).joined(separator: " ")
        return "can't \(operation) s3://\(bucket)/\(prefix)\(key): \(oneLine)"
    }
}
