public import Crypto
import EventSourcing
import Foundation

/// Reads Ed25519 keys as openssl writes them (RFC 8410), or as the base64 of their 32 bytes.
public enum SigningKeys {
    /// The bytes before the key in DER, in PKCS #8 and in SubjectPublicKeyInfo.
    private static let privatePrefix: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ]
    private static let publicPrefix: [UInt8] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// Returns the private key in a file.
    ///
    /// - Throws: `invalid` if the file is not such a key, or if others than its owner have access.
    public static func privateKey(file path: String) throws -> Curve25519.Signing.PrivateKey {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        let mode = try (attributes?[.posixPermissions] as? Int)
            .orThrow(.invalid, "can't read the key file \(path)")
        try require(
            mode & 0o077 == 0, .invalid,
            "others than its owner have access to \(path); run: chmod 600 \(path)")
        let key = try key(in: path, label: "PRIVATE KEY", behind: privatePrefix) {
            try Curve25519.Signing.PrivateKey(rawRepresentation: $0)
        }
        return try key.orThrow(
            .invalid,
            "\(path) is not an Ed25519 private key; create one with: openssl genpkey "
                + "-algorithm ed25519 -out \(path)")
    }

    /// Returns the public key in a file, or in the text itself as base64.
    ///
    /// - Throws: `invalid` if there is no such key.
    public static func publicKey(_ given: String) throws -> Curve25519.Signing.PublicKey {
        if let key = publicKey(base64: given) { return key }
        let key = try key(in: given, label: "PUBLIC KEY", behind: publicPrefix) {
            try Curve25519.Signing.PublicKey(rawRepresentation: $0)
        }
        return try key.orThrow(
            .invalid,
            "\(given) is not an Ed25519 public key; print yours with: "
                + "openssl pkey -in <private key> -pubout")
    }

    static func publicKey(base64: String) -> Curve25519.Signing.PublicKey? {
        Data(base64Encoded: base64).flatMap {
            try? Curve25519.Signing.PublicKey(rawRepresentation: $0)
        }
    }

    /// Returns the key in the file, or nil if the file is neither PEM with this label nor base64,
    /// or if `decode` throws.
    private static func key<Key>(
        in path: String, label: String, behind prefix: [UInt8], _ decode: (Data) throws -> Key
    ) throws -> Key? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw DaybookError(.invalid, "can't read the key file \(path)")
        }
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.first == "-----BEGIN \(label)-----" else {
            return lines.count == 1
                ? Data(base64Encoded: String(lines[0])).flatMap { try? decode($0) } : nil
        }
        guard lines.last == "-----END \(label)-----",
            let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()),
            der.starts(with: prefix)
        else { return nil }
        return try? decode(der.dropFirst(prefix.count))
    }
}
