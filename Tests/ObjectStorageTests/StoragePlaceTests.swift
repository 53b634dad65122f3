import ObjectStorage
import Testing

@Suite struct `Storage places` {
    @Test func `Storage place is a folder or a bucket`() throws {
        #expect(try StoragePlace("/var/archive") == .folder("/var/archive"))
        #expect(try StoragePlace("archive") == .folder("archive"))
        #expect(try StoragePlace("s3://b") == .s3(bucket: "b", prefix: ""))
        #expect(try StoragePlace("s3://b/") == .s3(bucket: "b", prefix: ""))
        #expect(try StoragePlace("s3://my-b.x/a/b/") == .s3(bucket: "my-b.x", prefix: "a/b"))
        #expect("\(try StoragePlace("s3://b/a/"))" == "s3://b/a")
    }

    @Test func `Missing folder is found before it is created`() throws {
        #expect(try StoragePlace("/no/folder").missingFolder == "/no/folder")
        #expect(try StoragePlace("/").missingFolder == nil)
        #expect(try StoragePlace("s3://b").missingFolder == nil)
    }

    @Test(arguments: [
        "", "s3://", "s3:///key", "s3://b/../c", "s3://b//c", "s3://B?x", "gs://b/a", "s3://bé",
        "/tmp\u{0}x", "a\nb", "\u{7F}",
    ])
    func `Invalid storage place is rejected`(text: String) {
        #expect(throws: ObjectStorageError.self) { try StoragePlace(text) }
    }

    private let keys = ["AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"]

    @Test func `Bucket takes its region and endpoint from the environment`() throws {
        #expect(
            try S3Configuration(environment: keys).endpoint
                == "https://s3.us-east-1.amazonaws.com")
        let both = keys.merging([
            "AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-central-1",
        ]) { $1 }
        #expect(
            try S3Configuration(environment: both).endpoint
                == "https://s3.eu-central-1.amazonaws.com")
        let local = keys.merging(["AWS_ENDPOINT_URL": "http://localhost:9000/"]) { $1 }
        let configuration = try S3Configuration(environment: local)
        #expect(configuration.endpoint == "http://localhost:9000")
        #expect("\(configuration)" == "http://localhost:9000 (us-east-1)")
        #expect(
            try S3Configuration(environment: local, endpoint: "http://[::1]:1").endpoint
                == "http://[::1]:1")
    }

    @Test func `Bucket does not open without credentials or with an invalid endpoint`() throws {
        let place = try StoragePlace("s3://b")
        for environment in [[:], ["AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": ""]] {
            let error = #expect(throws: ObjectStorageError.self) {
                try place.open(environment: environment)
            }
            #expect("\(try #require(error))".contains("AWS_SECRET_ACCESS_KEY"))
        }
        for endpoint in ["localhost:9000", "ftp://x", "http://", "http://a/b", "http://a?b"] {
            let error = #expect(throws: ObjectStorageError.self) {
                try place.open(environment: keys, endpoint: endpoint)
            }
            #expect("\(try #require(error))".contains("'\(endpoint)' is not an endpoint"))
        }
    }
}
