public import EventSourcing
public import Foundation
import JSON
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
    /// - Throws: `DaybookError` that names the file, if it is no keyring.
    public init(_ file: URL) throws {
        do {
            self = try JSON.decode(Keyring.self, from: Self.read(file))
        } catch let error as DecodingError {
            let copy = Self.copy(of: file)
            let isThere = FileManager.default.fileExists(atPath: copy.path)
            throw DaybookError(
                .invalid, "\(file.path) is no keyring: \(error.oneLine)"
                    + (isThere ? "; what was to be written to it is in \(copy.path)" : ""))
        } catch {
            throw DaybookError(.invalid, "the keyring \(file.path) can't be read")
        }
        guard version == 1 else {
            throw DaybookError(.invalid, "the keyring \(file.path) is of version \(version), not 1")
        }
    }

    private static func read(_ file: URL) throws -> Data {
        let handle = try FileHandle(forReadingFrom: file)
        // Not while it is being written.
        flock(handle.fileDescriptor, LOCK_SH)
        return try handle.readToEnd() ?? Data()
    }

    private static func copy(of file: URL) -> URL { file.appendingPathExtension("new") }

    /// Writes the file: in place, because containers are given the file and not its name; and
    /// before that beside it, so that it is whole somewhere, whatever happens.
    ///
    /// - Throws: `DaybookError` that names the file, if it can't be written.
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
            throw DaybookError(.invalid, "the keyring \(file.path) can't be written")
        }
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
    /// - Throws: `rejected` if the name has a key.
    public mutating func add(
        _ name: String, _ key: CurvePublicKey, at time: Timestamp, _ permissions: Permissions? = nil
    ) throws {
        guard self.key(of: name) == nil else {
            throw DaybookError(
                .rejected, "'\(name)' has a key; revoke it first ('event-store keys revoke')")
        }
        keys.append(
            Key(
                name: name, publicKey: key.description, createdAt: time,
                permissions: permissions))
    }

    /// - Throws: `rejected` if the name has no key.
    public mutating func revoke(_ name: String, at time: Timestamp) throws {
        guard let index = keys.firstIndex(where: { $0.name == name && $0.revokedAt == nil })
        else { throw DaybookError(.rejected, "'\(name)' has no key that could be revoked") }
        keys[index].revokedAt = time
    }
}
