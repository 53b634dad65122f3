import Foundation
import Glibc
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
        try removeUnfinished()
    }

    /// Writes the object to a file and syncs it.
    @concurrent public func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError) {
        let path = try path(of: key)
        let number = Self.uploads.add(1, ordering: .relaxed).newValue
        let temporary = "\(folder)/\(Self.unfinished)\(getpid())-\(number)"
        do throws(ObjectStorageError) {
            try write(bytes, to: temporary, for: key)
            try Self.makeFolder(parent(of: path))
            guard unsafe rename(temporary, path) == 0 else { throw failure("put", key) }
        } catch {
            unsafe _ = unlink(temporary)
            throw error
        }
        try syncFolders(of: path)
    }

    /// Returns the content of the object's file.
    @concurrent public func get(_ key: String) async throws(ObjectStorageError) -> [UInt8] {
        try read(key, 0..<Int.max)
    }

    /// Returns a range of the object's file.
    @concurrent public func get(
        _ key: String, _ range: Range<Int>
    ) async throws(ObjectStorageError) -> [UInt8] {
        try read(key, range)
    }

    /// Returns the size of the object's file in bytes, or nil if it does not exist.
    @concurrent public func size(of key: String) async throws(ObjectStorageError) -> Int? {
        var status = stat()
        guard unsafe stat(try path(of: key), &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
            throw failure("look at", key)
        }
        return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    /// Returns all objects whose keys begin with `prefix`, sorted by the bytes of their keys.
    @concurrent public func list(
        _ prefix: String
    ) async throws(ObjectStorageError) -> [StoredObject] {
        // Only the deepest folder in the prefix can hold matching objects.
        let start = prefix.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(prefix[..<$0]) }
        if let start, (try? ObjectKey.check(start)) == nil { return [] }
        var objects: [StoredObject] = []
        var folders = [start.map { $0 + "/" } ?? ""]
        // Links can form cycles, so each folder is listed once.
        var seen: Set<FolderIdentity> = []
        while let parent = folders.popLast() {
            if Task.isCancelled { throw .cancelled }
            for key in try names(in: parent).map({ parent + $0 }) {
                guard (try? ObjectKey.check(key)) != nil else { continue }
                if let size = try await size(of: key) {
                    objects.append(StoredObject(key: key, size: size))
                } else if let folder = try folder(at: key), seen.insert(folder).inserted {
                    folders.append(key + "/")
                }
            }
        }
        return objects.filter { $0.key.utf8.starts(with: prefix.utf8) }.sortedByKey()
    }

    /// Removes the object's file, if there is one.
    @concurrent public func delete(_ key: String) async throws(ObjectStorageError) {
        let path = try path(of: key)
        guard unsafe unlink(path) == 0 else {
            // A folder is not an object.
            if [ENOENT, ENOTDIR, EISDIR].contains(errno) { return }
            throw failure("delete", key)
        }
        try Self.sync(folder: parent(of: path))
    }

    // MARK: Files

    private struct FolderIdentity: Hashable {
        let device: dev_t
        let number: ino_t
    }

    /// Returns the identity of the folder that the key names, or nil if it names none.
    private func folder(at key: String) throws(ObjectStorageError) -> FolderIdentity? {
        var status = stat()
        guard unsafe stat(try path(of: key), &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR || errno == ELOOP { return nil }
            throw failure("look at", key)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return FolderIdentity(device: status.st_dev, number: status.st_ino)
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
        guard let directory = unsafe opendir("\(folder)/\(parent)") else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw failure("list", parent)
        }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                })
        }
        return names
    }

    private func read(_ key: String, _ range: Range<Int>) throws(ObjectStorageError) -> [UInt8] {
        let descriptor = unsafe open(try path(of: key), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw .noObject(key) }
            throw failure("get", key)
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("get", key) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .noObject(key) }
        let range = range.clamped(to: 0..<Int(status.st_size))
        var code: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
            while filled < range.count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress! + filled,  // range.count > 0 here
                    range.count - filled, range.lowerBound + filled)
                if got < 0, errno != EINTR { code = errno }
                if got == 0 || code != 0 { return }
                filled += max(got, 0)
            }
        }
        guard code == 0 else { throw failure("get", key, code) }
        return bytes
    }

    private func write(
        _ bytes: [UInt8], to path: String, for key: String
    ) throws(ObjectStorageError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("put", key) }
        defer { _ = close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0, errno != EINTR { throw failure("put", key) }
            written += max(count, 0)
        }
        guard fsync(descriptor) == 0 else { throw failure("put", key) }
    }

    private func removeUnfinished() throws(ObjectStorageError) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasPrefix(Self.unfinished) {
            // The file may belong to another live process.
            let process = pid_t(name.dropFirst(Self.unfinished.count).prefix { $0 != "-" })
            if let process, process != getpid(), kill(process, 0) != 0, errno == ESRCH {
                unsafe _ = unlink("\(folder)/\(name)")
            }
        }
    }

    /// Syncs the entry of the file and of each folder above it.
    ///
    /// It does not know which of the folders are new.
    private func syncFolders(of path: String) throws(ObjectStorageError) {
        var path = parent(of: path)
        while path.utf8.count > folder.utf8.count {
            try Self.sync(folder: path)
            path = parent(of: path)
        }
        try Self.sync(folder: folder)
    }

    private static func sync(folder: String) throws(ObjectStorageError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder, errno) }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", folder, errno) }
    }

    private static func makeFolder(_ path: String) throws(ObjectStorageError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .rejected("can't make folder \(path): \(error.localizedDescription)")
        }
    }

    private func failure(
        _ operation: String, _ key: String, _ code: Int32 = errno
    ) -> ObjectStorageError {
        Self.failure(operation, "\(folder)/\(key)", code)
    }

    private static func failure(
        _ operation: String, _ path: String, _ code: Int32
    ) -> ObjectStorageError {
        let line = unsafe "can't \(operation) \(path): \(String(cString: strerror(code)))"
        let lasting = [EACCES, EPERM, EROFS, EISDIR, ENOTDIR, EEXIST, ENOTEMPTY, ENAMETOOLONG]
        return lasting.contains(code) ? .rejected(line) : .unavailable(line)
    }
}
