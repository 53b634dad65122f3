import EventSourcing
import Files
import Foundation

/// An exclusive lock on a service's folder.
///
/// Without it, two processes would write to the same stores. The second would also take over the
/// endpoint of the first silently, because libzmq removes an existing socket file before it binds.
/// The operating system releases the lock when the process ends or crashes.
public struct FolderLock: Sendable {
    private let file: File

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
        do throws(SystemError) {
            file = try File("\(path)/lock", .create)
            if try file.lock() { return }
        } catch {
            throw DaybookError(.storage, "\(path)/lock can't be opened: \(error)")
        }
        throw DaybookError(.unavailable, "another process has locked \(path); stop it first")
    }

    /// Releases the lock.
    public func release() { file.unlock() }
}
