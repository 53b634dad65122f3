import EventSourcing
import Testing

@testable import ObjectStorage

@Suite struct `S3 object storage` {
    private func storage(
        _ transport: ScriptedTransport, pageSize: Int = 1000
    ) throws -> S3ObjectStorage {
        S3ObjectStorage(
            bucket: "b", prefix: "p",
            try S3Configuration(
                endpoint: "http://h:80", region: "r", accessKeyID: "id", secretAccessKey: "s",
                sessionToken: "token"),
            transport: transport, retries: transport.retries, pageSize: pageSize,
            now: { Timestamp(microseconds: 1_369_353_600_000_000) })
    }

    @Test func `Put request has the path, the checksums and a signature`() async throws {
        let transport = ScriptedTransport([.answer(200)])
        try await storage(transport).put(Array("hi".utf8), at: "a b/c")
        let request = try #require(transport.requests.first)
        #expect(request.method == "PUT" && request.target == "/b/p/a%20b/c")
        let headers = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
        #expect(headers["host"] == "h")
        #expect(headers["content-md5"] == "SfaKXIST7CwL9ImCHCH8Ow==")
        #expect(headers["x-amz-date"] == "20130524T000000Z")
        #expect(headers["x-amz-security-token"] == "token")
        #expect(
            headers["authorization"]?.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=id/20130524/r/s3/aws4_request, SignedHeaders="
                    + "content-md5;content-type;host;x-amz-content-sha256;x-amz-date;"
                    + "x-amz-security-token, Signature=") == true)
    }

    @Test func `Request is retried after growing pauses while the store fails`() async throws {
        let transport = ScriptedTransport([
            .answer(503), .failure(.unavailable("refused")), .answer(429), .answer(500),
            .answer(200, "x"),
        ])
        #expect(try await storage(transport).get("k") == Array("x".utf8))
        #expect(transport.requests.count == 5)
        #expect(transport.pauses == [200, 400, 800, 1600].map { .milliseconds($0) })
    }

    @Test func `Request fails after five attempts with the reason in one line`() async throws {
        let body = "<Error><Code>SlowDown</Code><Message>Please\nwait &amp; see</Message></Error>"
        let busy = ScriptedTransport(Array(repeating: .answer(503, body), count: 9))
        await #expect(
            throws: ObjectStorageError.unavailable(
                "can't put s3://b/p/k: SlowDown: Please wait & see (HTTP 503)")
        ) { try await storage(busy).put([], at: "k") }
        #expect(busy.requests.count == 5)
        let gone = ScriptedTransport(
            Array(repeating: .failure(.unavailable("Connection refused")), count: 9))
        await #expect(
            throws: ObjectStorageError.unavailable(
                "can't delete s3://b/p/k: Connection refused (http://h:80)")
        ) { try await storage(gone).delete("k") }
    }

    @Test func `Denied, misdirected or cancelled request is not retried`() async throws {
        let denied = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"
        let noBucket = "<Error><Code>NoSuchBucket</Code><Message>None</Message></Error>"
        for (answer, error) in [
            (.answer(403, denied), .rejected("can't get s3://b/p/k: AccessDenied (HTTP 403)")),
            (
                .answer(404, noBucket),
                .rejected("can't get s3://b/p/k: NoSuchBucket: None (HTTP 404)")
            ),
            (
                .answer(301, "<Error><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>"),
                .rejected(
                    "can't get s3://b/p/k: (HTTP 301): http://h:80 redirects to "
                        + "b.s3.eu-west-1.amazonaws.com, and redirects are not followed; set the "
                        + "endpoint (AWS_ENDPOINT_URL) and AWS_REGION")
            ),
            (.failure(.cancelled), .cancelled),
        ] as [(Result<HTTPResponse, ObjectStorageError>, ObjectStorageError)] {
            let transport = ScriptedTransport([answer])
            await #expect(throws: error) { try await storage(transport).get("k") }
            #expect(transport.requests.count == 1)
        }
        let transport = ScriptedTransport([.answer(404, noBucket)])
        await #expect(throws: ObjectStorageError.self) { try await storage(transport).delete("k") }
    }

    @Test func `List is requested page by page`() async throws {
        func page(_ keys: [String], next: String?) -> Result<HTTPResponse, ObjectStorageError> {
            let contents = keys.map { "<Contents><Key>\($0)</Key><Size>4</Size></Contents>" }
            let token = next.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
            return .answer(
                200,
                "<ListBucketResult xmlns=\"x\"><EncodingType>url</EncodingType><IsTruncated>"
                    + "\(next != nil)</IsTruncated>\(token)\(contents.joined())</ListBucketResult>")
        }
        let transport = ScriptedTransport([
            page(["p/b%2Bc", "p/a+z"], next: "1&amp;2"), page(["p/c%C3%A9"], next: nil),
        ])
        #expect(try await storage(transport, pageSize: 2).list("") == ["a z", "b+c", "cé"])
        #expect(
            transport.requests.map(\.target) == [
                "/b?list-type=2&encoding-type=url&max-keys=2&prefix=p%2F",
                "/b?list-type=2&encoding-type=url&max-keys=2&prefix=p%2F&"
                    + "continuation-token=1%262",
            ])
    }

    @Test(arguments: ["", "<html>", "<IsTruncated>true</IsTruncated>"])
    func `List fails if the answer is not a list`(body: String) async throws {
        let transport = ScriptedTransport([.answer(200, body)])
        await #expect(
            throws: ObjectStorageError.unavailable(
                "can't list s3://b/p/x: the answer is not a list of objects")
        ) { try await storage(transport).list("x") }
    }

    @Test func `Request to a port without a server fails`() async throws {
        let transport = URLSessionTransport(endpoint: "http://127.0.0.1:1")
        await #expect(throws: ObjectStorageError.self) {
            try await transport.send(HTTPRequest(method: "GET", path: "/b/k"))
        }
    }
}
