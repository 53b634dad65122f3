import Crypto
import EventLog
import EventSourcing
import Foundation
import Testing

@Suite final class `Signing keys` {
    private let file = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
    private let key = Curve25519.Signing.PrivateKey()
    /// The bytes before the key in DER (RFC 8410).
    private let privatePrefix: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ]
    private let publicPrefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    deinit { try? FileManager.default.removeItem(atPath: file) }

    private func pem(_ label: String, _ prefix: [UInt8], _ key: Data) -> String {
        """
        -----BEGIN \(label)-----
        \((Data(prefix) + key).base64EncodedString())
        -----END \(label)-----

        """
    }

    private func write(_ text: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }

    @Test func `Private key is read from PEM and from base64`() throws {
        let bytes = key.rawRepresentation
        for text in [pem("PRIVATE KEY", privatePrefix, bytes), bytes.base64EncodedString() + "\n"] {
            try write(text)
            #expect(try SigningKeys.privateKey(file: file).rawRepresentation == bytes)
        }
    }

    @Test func `Public key is read from PEM, from base64 in a file and from base64 itself`() throws
    {
        let bytes = key.publicKey.rawRepresentation
        let base64 = bytes.base64EncodedString()
        #expect(try SigningKeys.publicKey(base64).rawRepresentation == bytes)
        for text in [pem("PUBLIC KEY", publicPrefix, bytes), base64] {
            try write(text, mode: 0o644)
            #expect(try SigningKeys.publicKey(file).rawRepresentation == bytes)
        }
    }

    @Test func `Private key that others may read is rejected`() throws {
        try write(key.rawRepresentation.base64EncodedString(), mode: 0o640)
        let error = #expect(throws: DaybookError.self) { try SigningKeys.privateKey(file: file) }
        #expect(error?.description.hasSuffix("run: chmod 600 \(file)") == true)
    }

    @Test func `File that has no Ed25519 key of its kind is rejected with its path`() throws {
        let publicPEM = pem("PUBLIC KEY", publicPrefix, key.publicKey.rawRepresentation)
        for text in [publicPEM, "", "AAAA", "not base64", pem("PRIVATE KEY", [1, 2], Data())] {
            try write(text)
            let error = #expect(throws: DaybookError.self) {
                try SigningKeys.privateKey(file: file)
            }
            #expect(error?.description.hasPrefix("\(file) is not an Ed25519 private key") == true)
        }
        #expect(throws: DaybookError(.invalid, "can't read the key file /nowhere")) {
            try SigningKeys.publicKey("/nowhere")
        }
    }
}
