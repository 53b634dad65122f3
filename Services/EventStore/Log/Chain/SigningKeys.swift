public import Crypto
import EventSourcing
import Foundation

/// Reads Ed25519 keys as openssl writes them (RFC 8410), or as the base64 of their 32 bytes.
public enum SigningKeys {
    /// The bytes before the key in DER, in PKCS #8 and in SubjectPublicKeyInfo.
    private static let privatePrefix = Data(hex: "302e020100300506032b657004220420")
    private static let publicPrefix = Data(hex: "302a300506032b6570032100")

    /// Returns the private key in a file.
    ///
    /// - Throws: `invalid` if the file is not such a key, or if others than its owner have access.
    public static func privateKey(file path: String) throws -> Curve25519.Signing.PrivateKey {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        guard let mode = attributes?[.posixPermissions] as? Int else {
            throw DaybookError(.invalid, "can't read the key file \(path)")
        }
        guard mode & 0o077 == 0 else {
            throw DaybookError(
                .invalid, "others than its owner have access to \(path); run: chmod 600 \(path)")
        }
        let bytes = bytes(in: try text(of: path), label: "PRIVATE KEY", behind: privatePrefix)
        guard let bytes, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else {
            throw DaybookError(
                .invalid,
                "\(path) is not an Ed25519 private key; create one with: openssl genpkey "
                    + "-algorithm ed25519 -out \(path)")
        }
        return key
    }

    /// Returns the public key in a file, or in the text itself as base64.
    ///
    /// - Throws: `invalid` if there is no such key.
    public static func publicKey(_ given: String) throws -> Curve25519.Signing.PublicKey {
        if let key = publicKey(base64: given) { return key }
        let bytes = bytes(in: try text(of: given), label: "PUBLIC KEY", behind: publicPrefix)
        guard let bytes, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else {
            throw DaybookError(
                .invalid,
                "\(given) is not an Ed25519 public key; print yours with: "
                    + "openssl pkey -in <private key> -pubout")
        }
        return key
    }

    static func publicKey(base64: String) -> Curve25519.Signing.PublicKey? {
        Data(base64Encoded: base64).flatMap {
            try? Curve25519.Signing.PublicKey(rawRepresentation: $0)
        }
    }

    private static func text(of path: String) throws -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw DaybookError(.invalid, "can't read the key file \(path)")
        }
    }

    /// Returns the key's own bytes, or nil if the text is neither PEM with this label nor base64.
    private static func bytes(in text: String, label: String, behind prefix: Data) -> Data? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.first == "-----BEGIN \(label)-----" else {
            return lines.count == 1 ? Data(base64Encoded: String(lines[0])) : nil
        }
        guard lines.last == "-----END \(label)-----",
            let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()),
            der.starts(with: prefix)
        else { return nil }
        return der.dropFirst(prefix.count)
    }
}

extension Data {
    fileprivate init(hex: String) {
        self.init()
        var rest = hex[...]
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            append(byte)
            rest = rest.dropFirst(2)
        }
    }
}
