import EventSourcing
import Foundation

/// A service's folder, locked for this process alone.
///
/// Two processes on one folder would write to the same stores; and the second would take the first
/// one's endpoint without a word, for libzmq removes the socket file that it finds before it binds.
/// A process that dies frees its folder.
public struct FolderLock: Sendable {
    private let descriptor: Int32

    /// Locks the folder at `path`, made if it is not there.
    ///
    /// - Throws: `unavailable` if another process has the folder, 74 if it can't be
    ///   made.
    public init(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DaybookError(
                .storage, "folder \(path) can't be made: \(error.localizedDescription)")
        }
        descriptor = unsafe open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw DaybookError(.storage, "\(path)/lock can't be opened: \(reason)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            throw DaybookError(.unavailable, "another process has \(path); stop it first")
        }
    }

    /// Leaves the folder to others.
    public func release() {
        // A child process that is being started may still hold the descriptor, and so the lock.
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
    }
}
