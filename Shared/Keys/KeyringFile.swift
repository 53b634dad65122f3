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
        var stamp: Stamp
        var refreshedAt: ContinuousClock.Instant
        var lost: Set<String> = []
    }

    /// What changes whenever the file does.
    private typealias Stamp = (inode: UInt64?, modifiedAt: Date?)

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
        guard stamp != state.stamp, let keyring = try? Keyring(file) else { return }
        let callers = keyring.callers
        state.lost.formUnion(state.callers.filter { callers[$0.key] != $0.value }.keys)
        state.keyring = keyring
        state.callers = callers
        state.stamp = stamp
    }

    private static func stamp(_ file: URL) -> Stamp {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        return (
            (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value,
            attributes?[.modificationDate] as? Date
        )
    }
}
