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
        // The stamp is taken before the file is read. The next check then notices a change that
        // comes between the two.
        let stamp = Self.stamp(file)
        let keyring = try Keyring(file)
        state = Mutex(
            State(keyring: keyring, callers: keyring.callers, stamp: stamp, refreshedAt: .now))
    }

    /// Returns the valid public key of a name, or nil. Checks the file first.
    func key(of name: String) -> CurvePublicKey? {
        state.withLock { state in
            refresh(&state)
            return state.keyring.key(of: name)
        }
    }

    /// Returns the caller with a valid key, or nil. Checks the file first, for handshakes.
    func currentCaller(of key: String) -> Caller? {
        state.withLock { state in
            refresh(&state)
            return state.callers[key]
        }
    }

    /// Returns the caller with a valid key, or nil. May use a cached keyring, for messages.
    func caller(of key: String) -> Caller? {
        state.withLock { state in
            lookIfOld(&state)
            return state.callers[key]
        }
    }

    /// Returns the keys whose caller has changed since the last call, because they were revoked or
    /// their permissions changed.
    func takeChangedSenders() -> Set<String> {
        state.withLock { state in
            lookIfOld(&state)
            defer { state.lost = [] }
            return state.lost
        }
    }

    private func lookIfOld(_ state: inout State) {
        if state.refreshedAt + Self.age < .now { refresh(&state) }
    }

    private func refresh(_ state: inout State) {
        state.refreshedAt = .now
        let stamp = Self.stamp(file)
        guard stamp != state.stamp, let keyring = try? Keyring(file) else { return }
        let callers = keyring.callers
        state.lost.formUnion(state.callers.filter { callers[$0.key] != $0.value }.keys)
        state.keyring = keyring
        state.callers = callers
        state.stamp = stamp
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
