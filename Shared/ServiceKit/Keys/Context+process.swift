public import Foundation
import Synchronization
public import ZeroMQ

extension Context {
    /// A context with a key of its own, and with those of the others that a keyring has; it is read
    /// again when it has changed.
    ///
    /// - Throws: `Problem` if one of the files can't be used.
    public static func with(key: URL, keyring: URL) throws -> Context {
        try Context(security: security(key, KeyringFile(keyring)))
    }

    /// A context with the keys that the process was given: its own, by DAYBOOK_KEY, and those of
    /// the others, by DAYBOOK_KEYRING. Without them it has none, and does not leave the machine.
    ///
    /// - Throws: `Problem` if one is given without the other, or can't be used.
    public static func ofProcess() throws -> Context {
        let key = Endpoints.environment("DAYBOOK_KEY")
        let keyring = Endpoints.environment("DAYBOOK_KEYRING")
        switch (key, keyring) {
        case (nil, nil):
            return try Context()
        case (let key?, let keyring?):
            return try with(key: URL(filePath: key), keyring: URL(filePath: keyring))
        case (_?, nil):
            throw Problem.data("DAYBOOK_KEY goes with DAYBOOK_KEYRING, the file of all public keys")
        case (nil, _?):
            throw Problem.data("DAYBOOK_KEYRING goes with DAYBOOK_KEY, the file of the secret key")
        }
    }

    private static func security(_ key: URL, _ keyring: KeyringFile) throws -> Security {
        let identity = try KeyFile.read(key)
        guard keyring.current.name(of: identity.publicKey) != nil else {
            throw Problem.data("the keyring \(keyring.path) has no valid key for \(key.path)")
        }
        return Security(
            identity: identity, key: { keyring.current.key(of: $0) },
            admit: { key, _ in keyring.current.name(of: key) })
    }
}

/// A keyring that is read again when its file has changed; while what is there can't be read, what
/// was read last counts.
final class KeyringFile: Sendable {
    private struct State: Sendable {
        var keyring: Keyring
        var stamp: Stamp?
    }

    private struct Stamp: Hashable, Sendable {
        var inode: UInt64
        var modified: Double
    }

    private let file: URL
    private let state: Mutex<State>

    var path: String { file.path }

    init(_ file: URL) throws {
        self.file = file
        state = Mutex(State(keyring: try Keyring(file), stamp: Self.stamp(file)))
    }

    var current: Keyring {
        state.withLock { state in
            let stamp = Self.stamp(file)
            if stamp != state.stamp, let keyring = try? Keyring(file) {
                state = State(keyring: keyring, stamp: stamp)
            }
            return state.keyring
        }
    }

    private static func stamp(_ file: URL) -> Stamp? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.path),
            let modified = attributes[.modificationDate] as? Date
        else { return nil }
        return Stamp(
            inode: (attributes[.systemFileNumber] as? NSNumber)?.uint64Value ?? 0,
            modified: modified.timeIntervalSince1970)
    }
}
