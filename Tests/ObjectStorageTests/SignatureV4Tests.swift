import Crypto
import Testing

@testable import ObjectStorage

/// A request and its expected signature.
struct SignedRequest: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var request: HTTPRequest
    let payloadHash: String
    let time: String
    let signature: String

    init(
        _ name: String, _ method: String = "GET", _ path: String = "/",
        _ query: [(String, String)] = [], _ headers: [(String, String)] = [], body: String = "",
        host: String, time: String, signature: String
    ) {
        testDescription = name
        let fields = headers + [("host", host), ("x-amz-date", time)]
        request = HTTPRequest(
            method: method, path: path, query: query.map { HTTPField($0, $1) },
            headers: fields.map { HTTPField($0, $1) })
        payloadHash = SHA256.hash(data: Array(body.utf8)).hex
        self.time = time
        self.signature = signature
    }

    func expectSigned(by signer: SignatureV4) {
        let authorization = signer.authorization(
            for: request, payloadHash: payloadHash, time: time)
        #expect(authorization.split(separator: "Signature=").last.map(String.init) == signature)
    }

    /// A request of Amazon's test suite for signature version 4.
    static func suite(
        _ name: String, _ method: String = "GET", _ path: String = "/",
        _ query: [(String, String)] = [], _ headers: [(String, String)] = [], body: String = "",
        signature: String
    ) -> SignedRequest {
        SignedRequest(
            name, method, path, query, headers, body: body, host: "example.amazonaws.com",
            time: "20150830T123600Z", signature: signature)
    }

    /// A request of Amazon's documentation, "Authenticating Requests: Using the Authorization
    /// Header".
    static func documented(
        _ name: String, _ method: String = "GET", _ path: String,
        _ query: [(String, String)] = [], _ headers: [(String, String)] = [], body: String = "",
        signature: String
    ) -> SignedRequest {
        let hash = SHA256.hash(data: Array(body.utf8)).hex
        return SignedRequest(
            name, method, path, query, headers + [("x-amz-content-sha256", hash)], body: body,
            host: "examplebucket.s3.amazonaws.com", time: "20130524T000000Z",
            signature: signature)
    }
}

private let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

private let form = "application/x-www-form-urlencoded"

private let formHash = SHA256.hash(data: Array("Param1=value1".utf8)).hex

private let token =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSP"
    + "fIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT"
    + "7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlz"
    + "m8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

private let suite: [SignedRequest] = [
    .suite(
        "get-vanilla",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    .suite(
        "get-vanilla-query-order-key-case", "GET", "/",
        [("Param2", "value2"), ("Param1", "value1")],
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    .suite(
        "get-vanilla-query-order-encoded", "GET", "/",
        [("Param-3", "Value3"), ("Param", "Value2"), ("ሴ", "Value1")],
        signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"),
    .suite(
        "get-vanilla-query-unreserved", "GET", "/", [(unreserved, unreserved)],
        signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    .suite(
        "get-vanilla-utf8-query", "GET", "/", [("ሴ", "bar")],
        signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    .suite(
        "get-unreserved", "GET", "/" + unreserved,
        signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    .suite(
        "get-utf8", "GET", "/ሴ",
        signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    .suite(
        "get-space-unnormalized", "GET", "/example space/",
        signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    .suite(
        "get-header-value-multiline", "GET", "/", [],
        [("My-Header1", "value1\n  value2\n     value3")],
        signature: "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"),
    .suite(
        "get-header-value-trim", "GET", "/", [],
        [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    .suite(
        "post-header-key-case", "POST",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    .suite(
        "post-header-key-sort", "POST", "/", [], [("My-Header1", "value1")],
        signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    .suite(
        "post-header-value-case", "POST", "/", [], [("My-Header1", "VALUE1")],
        signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    .suite(
        "post-vanilla-query", "POST", "/", [("Param1", "value1")],
        signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    .suite(
        "post-sts-header-before", "POST", "/", [], [("X-Amz-Security-Token", token)],
        signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
    .suite(
        "post-x-www-form-urlencoded", "POST", "/", [],
        [("Content-Type", form), ("Content-Length", "13"), ("x-amz-content-sha256", formHash)],
        body: "Param1=value1",
        signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"),
    .suite(
        "post-x-www-form-urlencoded-parameters", "POST", "/", [],
        [
            ("Content-Type", form + "; charset=utf-8"), ("Content-Length", "13"),
            ("x-amz-content-sha256", formHash),
        ], body: "Param1=value1",
        signature: "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"),
]

private let documented: [SignedRequest] = [
    .documented(
        "GET Object", "GET", "/test.txt", [], [("Range", "bytes=0-9")],
        signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    .documented(
        "PUT Object", "PUT", "/test$file.text", [],
        [
            ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ], body: "Welcome to Amazon S3.",
        signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    .documented(
        "GET Bucket Lifecycle", "GET", "/", [("lifecycle", "")],
        signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    .documented(
        "Get Bucket (List Objects)", "GET", "/", [("max-keys", "2"), ("prefix", "J")],
        signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]

/// Signed with botocore 1.43.11, S3SigV4Auth.
private let botocore: [SignedRequest] = [
    SignedRequest(
        "a key of every kind", "PUT", "/bucket/some/prefix é/a b+c%41&d=e~'()*!", [],
        [
            ("content-md5", "SfaKXIST7CwL9ImCHCH8Ow=="),
            ("content-type", "application/octet-stream"), ("x-amz-security-token", "to/ken+=="),
            ("x-amz-content-sha256", SHA256.hash(data: Array("hi".utf8)).hex),
        ], body: "hi", host: "localhost:9000", time: "20260131T120005Z",
        signature: "3dfa98d05a291124287bf994fd013df9a80e62ee50fa9674fb3e9b984792d2db"),
    SignedRequest(
        "the second page of a list", "GET", "/bucket",
        [
            ("list-type", "2"), ("encoding-type", "url"), ("max-keys", "3"),
            ("prefix", "some/prefix é/"), ("continuation-token", "1/+= &"),
        ], [("x-amz-content-sha256", SHA256.hash(data: [UInt8]()).hex)],
        host: "localhost:9000", time: "20260131T120005Z",
        signature: "4b2595eddc24c7e26e006b3bff47743e14e383cfb0695d2c47a1b2afc1157368"),
]

@Suite struct `Request signatures` {
    @Test(arguments: suite) func `Signature matches Amazon's test suite`(request: SignedRequest) {
        request.expectSigned(
            by: SignatureV4(
                accessKeyID: "AKIDEXAMPLE",
                secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                region: "us-east-1", service: "service"))
    }

    @Test(arguments: documented)
    func `Signature matches Amazon's documentation of S3`(request: SignedRequest) {
        request.expectSigned(
            by: SignatureV4(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE",
                secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                region: "us-east-1", service: "s3"))
    }

    @Test(arguments: botocore)
    func `Signature matches Amazon's own client`(request: SignedRequest) {
        request.expectSigned(
            by: SignatureV4(
                accessKeyID: "AKIDEXAMPLE",
                secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                region: "eu-central-1", service: "s3"))
    }
}
