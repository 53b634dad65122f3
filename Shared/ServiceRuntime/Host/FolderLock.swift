import EventSourcing
import Foundation

/// An exclusive lock on a service's folder.
///
/// Without it, two processes would write to the same stores. The second would also take over the
/// endpoint of the first silently, because libzmq removes an existing socket file before it binds.
/// The operating system releases the lock when the process ends or crashes.
public struct FolderLock: Sendable {
    private let descriptor: Int32

    /// Locks the folder at `path`, and creates it if it is missing.
    ///
    /// - Throws: `unavailable` if another process has locked the folder, `storage` if the folder or
    ///   its lock file can't be created.
    public init(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw DaybookError(
                .storage, "folder \(path) can't be created: \(error.localizedDescription)")
        }
        descriptor = unsafe open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw DaybookError(.storage, "\(path)/lock can't be opened: \(reason)")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(descriptor)
            throw DaybookError(.unavailable, "another process has locked \(path); stop it first")
        }
    }

    /// Releases the lock.
    public func release() {
        // Closing alone is not enough: a child process that is just starting may still have a copy
        // of the descriptor, which keeps the lock.
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
    }
}
