import Crypto
import EventSourcing
import Foundation

/// Ed25519 keys as openssl writes them (RFC 8410), or as the base64 of their 32 bytes.
enum SigningKeys {
    /// What stands before the key's bytes in DER: PKCS #8, and a public key's info.
    private static let privatePrefix = Data(hex: "302e020100300506032b657004220420")
    private static let publicPrefix = Data(hex: "302a300506032b6570032100")

    /// The private key in the file, which nobody but its owner may read.
    static func privateKey(file path: String) throws -> Curve25519.Signing.PrivateKey {
        let target = URL(filePath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        guard let mode = attributes?[.posixPermissions] as? Int else {
            throw DaybookError(.invalid, "can't read a key in \(path)")
        }
        guard mode & 0o077 == 0 else {
            throw DaybookError(
                .invalid, "\(path) may be read by others than its owner; first: chmod 600 \(path)")
        }
        let bytes = bytes(in: try text(of: path), label: "PRIVATE KEY", behind: privatePrefix)
        guard let bytes, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else {
            throw DaybookError(
                .invalid, "\(path) is not an Ed25519 private key; one is made by: openssl genpkey "
                    + "-algorithm ed25519 -out \(path)")
        }
        return key
    }

    /// The public key in the file, or that is the text itself.
    static func publicKey(_ given: String) throws -> Curve25519.Signing.PublicKey {
        if let key = publicKey(base64: given) { return key }
        let bytes = bytes(in: try text(of: given), label: "PUBLIC KEY", behind: publicPrefix)
        guard let bytes, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else {
            throw DaybookError(
                .invalid, "\(given) is not an Ed25519 public key; openssl pkey -in <private key> -pubout "
                    + "shows it")
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
            throw DaybookError(.invalid, "can't read a key in \(path)")
        }
    }

    /// The key's own bytes; nil if the text is none of the kind.
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
