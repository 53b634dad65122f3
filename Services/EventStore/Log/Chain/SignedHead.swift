public import Crypto
public import EventSourcing
import Foundation
import JSON

/// The head of a log with the signature of someone who saw it.
///
/// A signed head that is kept elsewhere shows whether the log was altered since.
public struct SignedHead: Codable, Hashable {
    /// The version of the format that this program writes and reads.
    static let format = 1

    let format: Int
    /// The identity of the log.
    public let log: EventID
    /// The position of the log's last event.
    public let position: UInt64
    let time: Timestamp
    let hash: String
    /// The public key of the signer, as base64.
    public let key: String
    /// The signature of `message`, as base64.
    private var signature = ""

    /// Signs the head of a log.
    ///
    /// - Parameters:
    ///   - position: the position of the last event.
    ///   - time: the time of the last event, or nil for an empty log.
    ///   - hash: the hash of the chain at the position, as 64 hexadecimal digits.
    /// - Throws: `invalid` if the log has no event.
    public init(
        of log: EventID, at position: UInt64, time: Timestamp?, hash: String,
        signedWith key: Curve25519.Signing.PrivateKey
    ) throws {
        format = Self.format
        self.time = try time.orThrow(.invalid, "the log has no event")
        (self.log, self.position, self.hash) = (log, position, hash)
        self.key = key.publicKey.rawRepresentation.base64EncodedString()
        signature = try key.signature(for: message).base64EncodedString()
    }

    private struct Format: Decodable { let format: Int }

    /// Reads a signed head from a file, without a check of its signature.
    ///
    /// - Throws: `invalid` if the file can't be read or is not a signed head of this format.
    public init(file path: String) throws {
        let data = try FileManager.default.contents(atPath: path)
            .orThrow(.invalid, "can't read \(path)")
        do {
            let format = try JSON.decode(Format.self, from: data).format
            try require(
                format == Self.format, .invalid,
                "\(path) has format version \(format); this program reads \(Self.format)")
            self = try JSON.decode(Self.self, from: data)
        } catch let error as DecodingError {
            throw DaybookError(.invalid, "\(path) is not a signed head: \(error.oneLine)")
        }
    }

    /// Returns the point of the chain that the head names, after a check of its signature.
    ///
    /// - Parameter trusted: the key that must have signed the head; nil for any key.
    /// - Throws: `invalid` if the signature is wrong or of another key.
    public func point(trusting trusted: Curve25519.Signing.PublicKey?) throws -> ChainPoint {
        guard let point = ChainHash(hash).map({ ChainPoint(position: position, hash: $0) }),
            let own = SigningKeys.publicKey(base64: key),
            let signature = Data(base64Encoded: signature)
        else {
            throw DaybookError(.invalid, "the signed head has a malformed hash, key or signature")
        }
        try require(
            trusted == nil || trusted?.rawRepresentation == own.rawRepresentation, .invalid,
            "the head is signed by \(key), not by the trusted key")
        try require(
            own.isValidSignature(signature, for: message), .invalid,
            "the signature of the head is wrong: the head was altered")
        return point
    }

    /// The bytes that are signed.
    private var message: Data {
        Data("daybook head 1\n\(log)\n\(position)\n\(time)\n\(hash)\n".utf8)
    }
}
