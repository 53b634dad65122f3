import Files
import Foundation
import Synchronization

/// Objects as files of a folder. The parts of a key are names of folders.
///
/// A file is written under another name, synced and then renamed, so that a crash leaves either the
/// old object or the new one. Links within the folder are followed: they belong to the operator.
public final class FolderObjectStorage: ObjectStorage {
    /// The prefix of unfinished files. Lists do not show them, because no part of a key begins with
    /// a dot.
    private static let unfinished = ".unfinished-"

    /// The number of uploads of this process. It is shared, because two storages may use the same
    /// folder.
    private static let uploads = Atomic<Int>(0)

    private let folder: String

    /// Opens the folder, creates it if necessary, and removes unfinished files of crashed
    /// processes.
    public init(folder: String) throws(ObjectStorageError) {
        self.folder = folder
        try Self.makeFolder(folder)
        removeUnfinished()
    }

    /// Writes the object to a file and syncs it.
    @concurrent public func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError) {
        let path = try path(of: key)
        let number = Self.uploads.add(1, ordering: .relaxed).newValue
        let temporary = "\(folder)/\(Self.unfinished)\(getpid())-\(number)"
        do throws(ObjectStorageError) {
            let file = try Self.attempt("put", path, try File(temporary, .replace))
            try Self.attempt("put", path, try file.write(bytes.span, at: 0))
            try Self.attempt("put", path, try file.sync())
            try Self.makeFolder(parent(of: path))
            try Self.attempt("put", path, try Folder.rename(temporary, to: path))
        } catch {
            try? Folder.remove(temporary)
            throw error
        }
        try syncFolders(of: path)
    }

    /// Returns the content of the object's file.
    @concurrent public func get(_ key: String) async throws(ObjectStorageError) -> [UInt8] {
        let path = try path(of: key)
        do throws(SystemError) {
            let file = try File(path, .read)
            let status = try file.status()
            if status.isFile { return try file.read(at: 0, count: status.size) }
        } catch  where !error.isNotFound {
            throw Self.failure("get", path, error)
        } catch {}
        throw .noObject(key)
    }

    /// Returns the keys of all objects that begin with `prefix`, sorted by their bytes.
    @concurrent public func list(_ prefix: String) async throws(ObjectStorageError) -> [String] {
        // Only the deepest folder in the prefix can hold matching objects.
        let start = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[..<$0]) }
        if let start, (try? ObjectKey.check(start)) == nil { return [] }
        var objects: [String] = []
        var folders = [start.map { $0 + "/" } ?? ""]
        // Links can form cycles, so each folder is listed once.
        var seen: Set<FileStatus.Identity> = []
        while let parent = folders.popLast() {
            if Task.isCancelled { throw .cancelled }
            for key in try names(in: parent).map({ parent + $0 }) {
                guard (try? ObjectKey.check(key)) != nil, let status = try status(of: key)
                else { continue }
                if status.isFile {
                    objects.append(key)
                } else if status.isFolder, seen.insert(status.identity).inserted {
                    folders.append(key + "/")
                }
            }
        }
        return objects.keys(with: prefix)
    }

    /// Removes the object's file, if there is one.
    @concurrent public func delete(_ key: String) async throws(ObjectStorageError) {
        let path = try path(of: key)
        do throws(SystemError) {
            try Folder.remove(path)
        } catch {
            // A folder is not an object.
            if error.isNotFound || error.code == EISDIR { return }
            throw Self.failure("delete", path, error)
        }
        try Self.sync(folder: parent(of: path))
    }

    // MARK: Files

    private func status(of key: String) throws(ObjectStorageError) -> FileStatus? {
        let path = try path(of: key)
        return try Self.attempt("look at", path, try Folder.status(of: path))
    }

    private func path(of key: String) throws(ObjectStorageError) -> String {
        try ObjectKey.check(key)
        return "\(folder)/\(key)"
    }

    /// Returns the folder of a path.
    ///
    /// It compares bytes, because a character may reach across the `/`.
    private func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? folder
    }

    /// Returns the names in one of the folders, or none if it is not a folder.
    private func names(in parent: String) throws(ObjectStorageError) -> [String] {
        let path = "\(folder)/\(parent)"
        do throws(SystemError) {
            return try Folder.names(in: path)
        } catch {
            if error.isNotFound { return [] }
            throw Self.failure("list", path, error)
        }
    }

    private func removeUnfinished() {
        let names = (try? Folder.names(in: folder)) ?? []
        for name in names where name.hasPrefix(Self.unfinished) {
            // The file may belong to another live process.
            let process = pid_t(name.dropFirst(Self.unfinished.count).prefix { $0 != "-" })
            if let process, process != getpid(), kill(process, 0) != 0, errno == ESRCH {
                try? Folder.remove("\(folder)/\(name)")
            }
        }
    }

    /// Syncs the entry of the file and of each folder above it.
    ///
    /// It does not know which of the folders are new.
    private func syncFolders(of path: String) throws(ObjectStorageError) {
        var path = path
        repeat {
            path = parent(of: path)
            try Self.sync(folder: path)
        } while path.utf8.count > folder.utf8.count
    }

    private static func sync(folder: String) throws(ObjectStorageError) {
        try attempt("sync", folder, try Folder.sync(folder))
    }

    private static func makeFolder(_ path: String) throws(ObjectStorageError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .rejected("can't make folder \(path): \(error.localizedDescription)")
        }
    }

    private static func attempt<Result>(
        _ operation: String, _ path: String, _ body: @autoclosure () throws(SystemError) -> Result
    ) throws(ObjectStorageError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw failure(operation, path, error)
        }
    }

    private static func failure(
        _ operation: String, _ path: String, _ error: SystemError
    ) -> ObjectStorageError {
        let line = "can't \(operation) \(path): \(error)"
        let lasting = [EACCES, EPERM, EROFS, EISDIR, ENOTDIR, EEXIST, ENOTEMPTY, ENAMETOOLONG]
        return lasting.contains(error.code) ? .rejected(line) : .unavailable(line)
    }
}
