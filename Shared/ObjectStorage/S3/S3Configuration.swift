/// The endpoint, the region and the credentials of an S3-compatible store.
public struct S3Configuration: Hashable, Sendable, CustomStringConvertible {
    /// The scheme, host and port, such as `https://s3.eu-central-1.amazonaws.com` or
    /// `http://localhost:9000`.
    public let endpoint: String
    /// The region, which is part of each signature.
    public let region: String
    let signature: SignatureV4
    let sessionToken: String?

    /// Creates a configuration.
    ///
    /// - Parameter endpoint: the endpoint, or nil for Amazon's in the region.
    /// - Throws: `invalid` if the endpoint is not a URL.
    public init(
        endpoint: String?, region: String, accessKeyID: String, secretAccessKey: String,
        sessionToken: String? = nil
    ) throws(ObjectStorageError) {
        self.endpoint = try Self.checkedEndpoint(
            endpoint ?? "https://s3.\(region).amazonaws.com")
        self.region = region
        signature = SignatureV4(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, region: region,
            service: "s3")
        self.sessionToken = sessionToken
    }

    /// Creates a configuration from the variables that Amazon's own tools read.
    ///
    /// It reads `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. The region is
    /// `AWS_REGION`, `AWS_DEFAULT_REGION` or else `us-east-1`. The endpoint is
    /// `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or else Amazon's in the region.
    ///
    /// - Parameter endpoint: the endpoint, which overrides the environment's.
    /// - Throws: `invalid` if there are no credentials or the endpoint is not a URL.
    public init(
        environment: [String: String], endpoint: String? = nil
    ) throws(ObjectStorageError) {
        func value(_ names: String...) -> String? { Self.value(names, in: environment) }
        guard let id = value("AWS_ACCESS_KEY_ID"), let secret = value("AWS_SECRET_ACCESS_KEY")
        else {
            throw .invalid("s3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to be set")
        }
        try self.init(
            endpoint: endpoint ?? Self.endpoint(in: environment),
            region: value("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1",
            accessKeyID: id, secretAccessKey: secret,
            sessionToken: value("AWS_SESSION_TOKEN"))
    }

    /// Returns the endpoint without the `/` at its end.
    ///
    /// - Throws: `invalid` if it is not a URL.
    static func checkedEndpoint(_ endpoint: String) throws(ObjectStorageError) -> String {
        let bare = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        let form = #/https?://([A-Za-z0-9._\-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?/#
        guard bare.wholeMatch(of: form) != nil else {
            throw .invalid(
                "'\(endpoint)' is not an endpoint: use a scheme, a host and perhaps a port, like "
                    + "http://localhost:9000")
        }
        return bare
    }

    /// Returns the endpoint that the environment names without the `/` at its end, or nil.
    static func endpoint(in environment: [String: String]) -> String? {
        value(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"], in: environment)
            .map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    }

    private static func value(_ names: [String], in environment: [String: String]) -> String? {
        names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }

    /// The value of the header `host`. It has a port unless it is the scheme's default.
    var host: String {
        let isSecure = endpoint.hasPrefix("https:")
        let host = endpoint.dropFirst(isSecure ? 8 : 7)
        let standard = isSecure ? ":443" : ":80"
        return String(host.hasSuffix(standard) ? host.dropLast(standard.count) : host)
    }

    /// The endpoint and the region. The credentials must not get into a log.
    public var description: String { "\(endpoint) (\(region))" }
}
