import Testing

@testable import ObjectStorage

extension BucketServer {
    fileprivate func storage(
        prefix: String = "", secret: String? = nil, bucket: String = "bucket", pageSize: Int = 1000
    ) throws -> S3ObjectStorage {
        let configuration = try S3Configuration(
            endpoint: endpoint, region: "us-east-1", accessKeyID: accessKeyID,
            secretAccessKey: secret ?? secretAccessKey)
        return S3ObjectStorage(
            bucket: bucket, prefix: prefix, configuration,
            transport: URLSessionTransport(endpoint: endpoint), pageSize: pageSize)
    }

    /// Checks a storage without a prefix, and one with a prefix beside other objects and with pages
    /// smaller than the lists.
    fileprivate func expectConformance() async throws {
        let whole = try storage()
        try await ObjectStorageTests.expectConformance(of: whole)
        for key in try await whole.list("") { try await whole.delete(key) }
        try await whole.put([1], at: "other")
        try await ObjectStorageTests.expectConformance(
            of: storage(prefix: "some/prefix é", pageSize: 3))
        #expect(try await whole.list("other") == ["other"])
    }

    fileprivate func expectErrors() async throws {
        let stranger = try storage(prefix: "p", secret: "wrong")
        let refusal = await #expect(throws: ObjectStorageError.self) {
            try await stranger.put([1], at: "k")
        }
        let line = "\(try #require(refusal))"
        #expect(line.hasPrefix("can't put s3://bucket/p/k: SignatureDoesNotMatch: "))
        #expect(line.hasSuffix("(HTTP 403)") && !line.contains("\n"))
        let nowhere = try storage(bucket: "none")
        let absence = await #expect(throws: ObjectStorageError.self) { try await nowhere.get("k") }
        #expect("\(try #require(absence))".hasPrefix("can't get s3://none/k: NoSuchBucket: "))
    }
}

@Suite struct `S3 storage on a strict bucket` {
    private let server: BucketServer

    init() async throws {
        server = try await BucketServer(
            python: #require(BucketServer.python, "there is no python3 in PATH"),
            "strict_bucket.py")
    }

    @Test func `Storage on a strict bucket passes the conformance tests`() async throws {
        try await server.expectConformance()
    }

    @Test func `Strict bucket storage reports a wrong secret or bucket in one line`() async throws {
        try await server.expectErrors()
    }
}

@Suite struct `S3 storage on a bucket elsewhere` {
    @Test(arguments: [301, 302, 303, 307, 308])
    func `Redirect is an error that names its target, and is not followed`(
        status: Int
    ) async throws {
        let server = try await BucketServer(
            python: #require(BucketServer.python, "there is no python3 in PATH"),
            "redirecting_bucket.py")
        let storage = try server.storage()
        let target = server.endpoint.replacing("127.0.0.1", with: "localhost")
        let reason =
            "(HTTP \(status)): \(server.endpoint) redirects to \(target)/bucket/\(status), and "
            + "redirects are not followed; set the endpoint (AWS_ENDPOINT_URL) and AWS_REGION to "
            + "eu-west-1"
        func rejection(_ operation: String) -> ObjectStorageError {
            .rejected("can't \(operation) s3://bucket/\(status): \(reason)")
        }
        await #expect(throws: rejection("get")) { try await storage.get("\(status)") }
        await #expect(throws: rejection("put")) { try await storage.put([1], at: "\(status)") }
        await #expect(throws: rejection("delete")) { try await storage.delete("\(status)") }
    }
}

@Suite(
    .enabled(
        "no python3 can import moto and its server: scripts/setup tests installs them",
        { try await BucketServer.moto() != nil }))
struct `S3 storage on moto` {
    private func server(_ arguments: String...) async throws -> BucketServer {
        try await BucketServer(
            python: #require(try await BucketServer.moto()), "moto_bucket.py", arguments)
    }

    @Test func `Storage on moto passes the conformance tests`() async throws {
        try await server("open").expectConformance()
    }

    @Test func `Storage on moto reports a wrong secret or bucket in one line`() async throws {
        try await server("signed").expectErrors()
    }

    @Test func `Storage on moto works with signed requests`() async throws {
        let server = try await server("signed")
        let objects = try server.storage()
        let keys = ["a/1", "a/2 b", "a/3"]
        for key in keys { try await objects.put(Array(key.utf8), at: key) }
        #expect(try await objects.list("a") == keys)
        #expect(try await objects.get("a/2 b") == Array("a/2 b".utf8))
        try await objects.delete("a/1")
        await #expect(throws: ObjectStorageError.noObject("a/1")) { try await objects.get("a/1") }
    }
}
