import Foundation
import Synchronization
import WireProtocol

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
        var revocations = 0
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
        let keyring = try Keyring(file)
        state = Mutex(
            State(
                keyring: keyring, callers: keyring.callers, stamp: Self.stamp(file),
                lookedAt: .now))
    }

    /// The keyring as it is now: for handshakes.
    var current: Keyring {
        state.withLock { state in
            look(&state)
            return state.keyring
        }
    }

    /// Whose valid key it is, as the file was a moment ago: for messages.
    func caller(of key: String) -> Caller? { recent { $0.callers[key] } }

    /// How often a key in the file has been revoked, or lost something that it might do.
    var revocations: Int { recent { $0.revocations } }

    private func recent<Value: Sendable>(_ value: (State) -> Value) -> Value {
        state.withLock { state in
            if state.lookedAt + Self.age < .now { look(&state) }
            return value(state)
        }
    }

    private func look(_ state: inout State) {
        state.lookedAt = .now
        let stamp = Self.stamp(file)
        guard stamp != state.stamp, let keyring = try? Keyring(file) else { return }
        let callers = keyring.callers
        if state.callers.contains(where: { callers[$0.key] != $0.value }) { state.revocations += 1 }
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
