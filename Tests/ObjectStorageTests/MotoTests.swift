import Testing

@testable import ObjectStorage

@Suite(
    .enabled(
        if: MotoServer.python != nil,
        "no python3 in PATH can import moto.server: pip install 'moto[s3,iam,server]'"))
struct `A bucket of a running store` {
    private func storage(
        _ server: MotoServer, prefix: String, secret: String? = nil, bucket: String = "bucket",
        pageSize: Int = 1000
    ) throws -> S3ObjectStorage {
        let configuration = try S3Configuration(
            endpoint: server.endpoint, region: "us-east-1", accessKeyID: server.accessKeyID,
            secretAccessKey: secret ?? server.secretAccessKey)
        return S3ObjectStorage(
            bucket: bucket, prefix: prefix, configuration,
            transport: URLSessionTransport(endpoint: configuration.endpoint), pageSize: pageSize)
    }

    @Test func `keeps objects as every storage does`() async throws {
        let server = try MotoServer(python: #require(MotoServer.python))
        // Beside other objects, by pages smaller than the lists.
        try await storage(server, prefix: "").put([1], at: "other")
        try await expectConformance(of: storage(server, prefix: "some/prefix é", pageSize: 3))
        #expect(try await storage(server, prefix: "").list("other").map(\.key) == ["other"])
        let empty = try storage(server, prefix: "")
        for object in try await empty.list("") { try await empty.delete(object.key) }
        try await expectConformance(of: empty)
    }

    @Test func `takes requests that are signed`() async throws {
        let server = try MotoServer(python: #require(MotoServer.python), checksSignatures: true)
        let objects = try storage(server, prefix: "")
        let keys = ["a/1", "a/2 b", "a/3"]
        for key in keys { try await objects.put(Array(key.utf8), at: key) }
        #expect(try await objects.list("a").map(\.key) == keys)
        #expect(try await objects.get("a/2 b") == Array("a/2 b".utf8))
        #expect(try await objects.get("a/3", 1..<3) == Array("/3".utf8))
        #expect(try await objects.size(of: "a/1") == 3)
        try await objects.delete("a/1")
        #expect(try await objects.size(of: "a/1") == nil)
    }

    @Test func `says in one line whom it refuses, and which bucket is not there`() async throws {
        let server = try MotoServer(python: #require(MotoServer.python), checksSignatures: true)
        let stranger = try storage(server, prefix: "p", secret: "wrong")
        let refusal = await #expect(throws: ObjectStorageError.self) {
            try await stranger.put([1], at: "k")
        }
        let line = "\(try #require(refusal))"
        #expect(line.hasPrefix("can't put s3://bucket/p/k: SignatureDoesNotMatch: "))
        #expect(line.hasSuffix("(HTTP 403)") && !line.contains("\n"))
        let nowhere = try storage(server, prefix: "", bucket: "none")
        let absence = await #expect(throws: ObjectStorageError.self) { try await nowhere.get("k") }
        #expect("\(try #require(absence))".hasPrefix("can't get s3://none/k: NoSuchBucket: "))
    }
}
