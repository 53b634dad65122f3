public import EventSourcing
public import Foundation
import JSON
public import WireProtocol
public import ZeroMQ

/// The public keys of a suite's processes and operators, with their permissions.
///
/// Every process reads the keyring's file, and only `event-store keys` writes it. It contains no
/// secret.
public struct Keyring: Codable, Hashable, Sendable {
    /// A public key and its permissions.
    public struct Key: Codable, Hashable, Sendable {
        /// The name of the process or operator that the key belongs to.
        public var name: String
        /// The public key, as 40 characters of Z85.
        public var publicKey: String
        /// The time at which the key was created.
        public var createdAt: Timestamp
        /// The time at which the key was revoked, or nil if it is valid.
        public var revokedAt: Timestamp?
        /// The permissions given to the key, or nil for ``Permissions/standard(of:)``.
        public var permissions: Permissions?

        /// The permissions given to the key, or else those of its name.
        public var effectivePermissions: Permissions { permissions ?? .standard(of: name) }
    }

    /// The version of the file format: 1.
    public private(set) var version = 1
    /// All keys in the order of their creation, including revoked ones.
    public private(set) var keys: [Key] = []

    /// Creates an empty keyring.
    public init() {}

    /// Reads a keyring from its file.
    ///
    /// - Throws: `damaged`, with the path, if the file is not a keyring, `invalid` if it can't be
    ///   read or has another version.
    public init(_ file: URL) throws {
        do {
            self = try JSON.decode(Keyring.self, from: Self.read(file))
        } catch let error as DecodingError {
            let copy = Self.copy(of: file)
            let isThere = FileManager.default.fileExists(atPath: copy.path)
            throw DaybookError(
                .damaged,
                "\(file.path) is not a keyring: \(error.oneLine)"
                    + (isThere ? "; \(copy.path) has the content of the last write" : ""))
        } catch {
            throw DaybookError(.invalid, "the keyring \(file.path) can't be read")
        }
        try require(
            version == 1, .invalid,
            "the keyring \(file.path) has version \(version), not 1")
    }

    private static func read(_ file: URL) throws -> Data {
        let handle = try FileHandle(forReadingFrom: file)
        // A writer changes the file in place, so a reader could see half of it.
        flock(handle.fileDescriptor, LOCK_SH)
        return try handle.readToEnd() ?? Data()
    }

    private static func copy(of file: URL) -> URL { file.appendingPathExtension("new") }

    /// Writes the keyring to its file.
    ///
    /// A container mounts the file itself and would keep a replaced one, so an existing file is
    /// changed in place. A crash could then leave half a file, so a complete copy is written beside
    /// it first.
    ///
    /// - Throws: `invalid`, with the path, if the file can't be written.
    public func write(to file: URL) throws {
        let data = try JSON.pretty(self) + Data("\n".utf8)
        let copy = Self.copy(of: file)
        do {
            try data.write(to: copy, options: .atomic)
            guard FileManager.default.fileExists(atPath: file.path) else {
                return try FileManager.default.moveItem(at: copy, to: file)
            }
            let handle = try FileHandle(forUpdating: file)
            flock(handle.fileDescriptor, LOCK_EX)
            try handle.write(contentsOf: data)
            try handle.truncate(atOffset: UInt64(data.count))
            try handle.synchronize()
            try handle.close()
            try FileManager.default.removeItem(at: copy)
        } catch {
            throw DaybookError(.storage, "the keyring \(file.path) can't be written")
        }
    }

    /// Returns the valid public key of a name, or nil.
    public func key(of name: String) -> CurvePublicKey? {
        keys.first { $0.name == name && $0.revokedAt == nil }
            .flatMap { CurvePublicKey($0.publicKey) }
    }

    /// The callers by their valid public keys.
    var callers: [String: Caller] {
        keys.filter { $0.revokedAt == nil }.reduce(into: [:]) { callers, key in
            callers[key.publicKey] = Caller(
                name: key.name, permissions: key.effectivePermissions)
        }
    }

    /// Adds a key.
    ///
    /// - Parameter permissions: the key's permissions. Nil for those of the suite's process with
    ///   this name, or to read everything and nothing else.
    /// - Throws: `rejected` if the name has a valid key.
    public mutating func add(
        _ name: String, _ key: CurvePublicKey, at time: Timestamp, _ permissions: Permissions? = nil
    ) throws {
        try require(
            self.key(of: name) == nil, .rejected,
            "'\(name)' has a valid key; revoke it first: event-store keys revoke \(name)")
        keys.append(
            Key(
                name: name, publicKey: key.description, createdAt: time,
                permissions: permissions ?? .ofNewKey(named: name)))
    }

    /// Revokes the valid key of a name.
    ///
    /// - Throws: `rejected` if the name has no valid key.
    public mutating func revoke(_ name: String, at time: Timestamp) throws {
        guard let index = keys.firstIndex(where: { $0.name == name && $0.revokedAt == nil })
        else { throw DaybookError(.rejected, "'\(name)' has no valid key to revoke") }
        keys[index].revokedAt = time
    }
}
