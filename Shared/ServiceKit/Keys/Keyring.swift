public import EventSourcing
public import Foundation
public import WireProtocol
public import ZeroMQ

/// The public keys of a suite: its processes' and its people's. A file that every process reads and
/// only `event-store keys` writes; it holds no secret.
public struct Keyring: Codable, Hashable, Sendable {
    public struct Key: Codable, Hashable, Sendable {
        /// Of the process, or of who operates.
        public var name: String
        /// As 40 characters of Z85.
        public var publicKey: String
        public var createdAt: Timestamp
        /// It is not let in any more since then.
        public var revokedAt: Timestamp?
        /// What was said of it; nil for ``Permissions/standard(of:)``.
        public var permissions: Permissions?

        public var effectivePermissions: Permissions { permissions ?? .standard(of: name) }
    }

    /// Of the file's format.
    public private(set) var version = 1
    public private(set) var keys: [Key] = []

    public init() {}

    /// Reads the file.
    ///
    /// - Throws: `Problem` that names the file, if it is no keyring.
    public init(_ file: URL) throws {
        do {
            self = try JSONDecoder().decode(Keyring.self, from: Data(contentsOf: file))
        } catch let error as DecodingError {
            throw Problem.data("\(file.path) is no keyring: \(error.oneLine)")
        } catch {
            throw Problem.data("the keyring \(file.path) can't be read")
        }
        guard version == 1 else {
            throw Problem.data("the keyring \(file.path) is of version \(version), not 1")
        }
    }

    /// Writes the file whole, or not at all.
    public func write(to file: URL) throws {
        let encoder = JSONCoding.encoder
        encoder.outputFormatting.insert(.prettyPrinted)
        try (encoder.encode(self) + Data("\n".utf8)).write(to: file, options: .atomic)
    }

    /// The key that is valid under the name.
    public func key(of name: String) -> CurvePublicKey? {
        keys.first { $0.name == name && $0.revokedAt == nil }
            .flatMap { CurvePublicKey($0.publicKey) }
    }

    /// Whose the valid keys are.
    var callers: [String: Caller] {
        keys.filter { $0.revokedAt == nil }.reduce(into: [:]) { callers, key in
            callers[key.publicKey] = Caller(
                name: key.name, permissions: key.effectivePermissions)
        }
    }

    /// - Parameter permissions: nil for those that go with the name.
    /// - Throws: `Refusal` if the name has a key.
    public mutating func add(
        _ name: String, _ key: CurvePublicKey, at time: Timestamp, _ permissions: Permissions? = nil
    ) throws {
        guard self.key(of: name) == nil else {
            throw Refusal(
                description: "'\(name)' has a key; revoke it first ('event-store keys revoke')")
        }
        keys.append(
            Key(
                name: name, publicKey: key.description, createdAt: time,
                permissions: permissions))
    }

    /// - Throws: `Refusal` if the name has no key.
    public mutating func revoke(_ name: String, at time: Timestamp) throws {
        guard let index = keys.firstIndex(where: { $0.name == name && $0.revokedAt == nil })
        else { throw Refusal(description: "'\(name)' has no key that could be revoked") }
        keys[index].revokedAt = time
    }
}
