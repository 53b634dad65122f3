import Foundation
import Synchronization
import WireProtocol
import ZeroMQ

/// A keyring that is read again when its file has changed; while what is there can't be read, what
/// was read last counts.
final class KeyringFile: Sendable {
    /// So old may what is known of a caller be.
    private static let age: Duration = .milliseconds(500)

    private struct State: Sendable {
        var keyring: Keyring
        var callers: [String: Caller]
        var stamp: Stamp?
        var lookedAt: ContinuousClock.Instant
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
        // Asked before it is read: what is written meanwhile is seen the next time.
        let stamp = Self.stamp(file)
        let keyring = try Keyring(file)
        state = Mutex(
            State(keyring: keyring, callers: keyring.callers, stamp: stamp, lookedAt: .now))
    }

    /// The key that is valid under the name, as the file is now.
    func key(of name: String) -> CurvePublicKey? {
        state.withLock { state in
            look(&state)
            return state.keyring.key(of: name)
        }
    }

    /// Whose valid key it is, as the file is now: for handshakes.
    func currentCaller(of key: String) -> Caller? {
        state.withLock { state in
            look(&state)
            return state.callers[key]
        }
    }

    /// Whose valid key it is, as the file was a moment ago: for messages.
    func caller(of key: String) -> Caller? {
        state.withLock { state in
            lookIfOld(&state)
            return state.callers[key]
        }
    }

    /// The keys that were revoked, or lost something that they might do, since this was last asked.
    func takeLost() -> Set<String> {
        state.withLock { state in
            lookIfOld(&state)
            defer { state.lost = [] }
            return state.lost
        }
    }

    private func lookIfOld(_ state: inout State) {
        if state.lookedAt + Self.age < .now { look(&state) }
    }

    private func look(_ state: inout State) {
        state.lookedAt = .now
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
