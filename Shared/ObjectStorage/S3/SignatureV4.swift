import Crypto

/// Amazon's Signature Version 4 with the rules of S3: the path is encoded once and not normalized.
struct SignatureV4: Hashable, Sendable {
    let accessKeyID: String
    let secretAccessKey: String
    let region: String
    let service: String

    /// Returns the `Authorization` header of `request`, all of whose headers are signed.
    ///
    /// - Parameters:
    ///   - payloadHash: the SHA-256 of the body in hexadecimal digits.
    ///   - time: the time as in the header `x-amz-date`, such as `20130524T000000Z`.
    func authorization(for request: HTTPRequest, payloadHash: String, time: String) -> String {
        let headers = request.headers
            .map { (name: $0.name.lowercased(), value: Self.trimmed($0.value)) }
            .sorted { $0.name < $1.name }
        let signed = headers.map(\.name).joined(separator: ";")
        let canonical = [
            request.method, request.encodedPath, Self.canonical(request.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(), signed, payloadHash,
        ].joined(separator: "\n")
        let date = String(time.prefix(8))
        let scope = "\(date)/\(region)/\(service)/aws4_request"
        let toSign = [
            "AWS4-HMAC-SHA256", time, scope, SHA256.hash(data: Array(canonical.utf8)).hex,
        ].joined(separator: "\n")
        let key = [date, region, service, "aws4_request"].reduce(
            SymmetricKey(data: Array("AWS4\(secretAccessKey)".utf8))
        ) { key, part in SymmetricKey(data: Self.hmac(part, key)) }
        return "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope), SignedHeaders=\(signed), "
            + "Signature=\(Self.hmac(toSign, key).hex)"
    }

    private static func hmac(
        _ text: String, _ key: SymmetricKey
    ) -> HashedAuthenticationCode<SHA256> {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    private static func canonical(_ query: [HTTPField]) -> String {
        query.map { ($0.name.percentEncoded(), $0.value.percentEncoded()) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }

    /// Returns the value without spaces at its ends, and with single spaces within.
    private static func trimmed(_ value: String) -> String {
        value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

extension Sequence<UInt8> {
    /// The bytes as two lower-case hexadecimal digits each.
    var hex: String {
        reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }
}

extension String {
    /// Returns the text with every byte as `%XX`, except letters, digits, `-._~` and those in
    /// `keeping`.
    func percentEncoded(keeping: String = "") -> String {
        utf8.reduce(into: "") { text, byte in
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where keeping.utf8.contains(byte):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
