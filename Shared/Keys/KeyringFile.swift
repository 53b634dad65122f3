import Foundation
import Synchronization
import WireProtocol
import ZeroMQ

/// A keyring that is read again when its file changes.
///
/// While the file can't be read, the keyring that was read last is valid.
final class KeyringFile: Sendable {
    /// How long cached permissions are used before the file is checked for a change.
    private static let age: Duration = .milliseconds(500)

    private struct State: Sendable {
        var keyring: Keyring
        var callers: [String: Caller]
        var stamp: Stamp?
        var refreshedAt: ContinuousClock.Instant
        var lost: Set<String> = []
        var health = KeyringHealth()
    }

    /// What changes whenever the file or its permissions do. Nil if there is no file.
    private struct Stamp: Hashable {
        let inode: UInt64
        let size: Int
        let modified: [Int]
        let changed: [Int]
    }

    private let file: URL
    private let state: Mutex<State>
    private let ownKey: String?
    private let onChange: @Sendable (KeyringHealth) -> Void

    var path: String { file.path }

    /// Whether the file can be used, and whether it has the process's own key.
    var health: KeyringHealth { read(maximumAge: Self.age) { $0.health } }

    /// Reads a keyring.
    ///
    /// - Parameters:
    ///   - ownKey: the process's own public key, or nil not to look for it.
    ///   - onChange: called when the health of the keyring has changed. It must not use it.
    init(
        _ file: URL, ownKey: String? = nil,
        onChange: @escaping @Sendable (KeyringHealth) -> Void = { _ in }
    ) throws {
        self.file = file
        self.ownKey = ownKey
        self.onChange = onChange
        // The stamp is taken before the file is read. The next check then notices a change that
        // comes between the two.
        let stamp = Self.stamp(file)
        let keyring = try Keyring(file)
        state = Mutex(
            State(keyring: keyring, callers: keyring.callers, stamp: stamp, refreshedAt: .now))
    }

    /// Returns the valid public key of a name, or nil. Checks the file first.
    func key(of name: String) -> CurvePublicKey? {
        read(maximumAge: .zero) { $0.keyring.key(of: name) }
    }

    /// Returns the caller with a valid key, or nil. Checks the file first, for handshakes.
    func currentCaller(of key: String) -> Caller? {
        read(maximumAge: .zero) { $0.callers[key] }
    }

    /// Returns the caller with a valid key, or nil. May use a cached keyring, for messages.
    func caller(of key: String) -> Caller? { read(maximumAge: Self.age) { $0.callers[key] } }

    /// Returns the keys whose caller has changed since the last call, because they were revoked or
    /// their permissions changed.
    func takeChangedSenders() -> Set<String> {
        read(maximumAge: Self.age) { state in
            defer { state.lost = [] }
            return state.lost
        }
    }

    private func read<Value: Sendable>(
        maximumAge: Duration, _ body: (inout State) -> Value
    ) -> Value {
        state.withLock { state in
            if state.refreshedAt + maximumAge <= .now { refresh(&state) }
            return body(&state)
        }
    }

    private func refresh(_ state: inout State) {
        state.refreshedAt = .now
        let stamp = Self.stamp(file)
        var health = KeyringHealth()
        if stamp != state.stamp {
            do {
                let keyring = try Keyring(file)
                let callers = keyring.callers
                state.lost.formUnion(state.callers.filter { callers[$0.key] != $0.value }.keys)
                state.keyring = keyring
                state.callers = callers
                state.stamp = stamp
            } catch {
                health.fault = "\(error)"
            }
        }
        health.hasOwnKey = ownKey.map { state.callers[$0] != nil } ?? true
        guard health != state.health else { return }
        state.health = health
        onChange(health)
    }

    private static func stamp(_ file: URL) -> Stamp? {
        var status = stat()
        guard unsafe stat(file.path, &status) == 0 else { return nil }
        return Stamp(
            inode: UInt64(status.st_ino), size: status.st_size,
            modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
            changed: [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
    }
}

/// Whether a keyring can be used, and whether it has the process's own key.
struct KeyringHealth: Hashable, Sendable {
    /// Why the file can't be used, or nil if it can. The keyring that was read last then stays in
    /// use.
    var fault: String?
    /// Whether the keyring in use has the process's own key, and the key is not revoked.
    var hasOwnKey = true
}
