import Files
import Synchronization

/// A folder of a file system, locked for this process alone.
public final class FileStorage: LogStorage {
    private static let lockName = "lock"

    private let folder: String
    private let lock: File
    private let files = Mutex<[String: File]>([:])

    /// Opens the folder, or creates it if it does not exist.
    ///
    /// - Throws: `StorageError` if another process has locked the folder, or a system call fails.
    public init(folder: String) throws(StorageError) {
        self.folder = folder
        try Self.attempt("make folder", folder) { () throws(SystemError) in
            try Folder.make(folder)
        }
        let path = "\(folder)/\(Self.lockName)"
        let (lock, isLocked) = try Self.attempt("lock", path) { () throws(SystemError) in
            let file = try File(path, .create)
            return (file, try file.lock())
        }
        guard isLocked else {
            throw StorageError(
                StorageError.lock, folder,
                reason: "another process writes to this log; stop it first")
        }
        self.lock = lock
    }

    deinit { lock.unlock() }

    /// Moves this folder to `path` in one atomic step.
    ///
    /// A folder at `path` may hold nothing but the lock of a log that was never created. Do not use
    /// the storage afterwards. It keeps its lock until it is deallocated.
    public func move(to path: String) throws(StorageError) {
        let otherLock = "\(path)/\(Self.lockName)"
        try Self.attempt("remove", otherLock) { () throws(SystemError) in
            if try Folder.status(of: otherLock) != nil { try Folder.remove(otherLock) }
        }
        try Self.attempt("make", path) { () throws(SystemError) in
            try Folder.rename(folder, to: path)
        }
        try Self.sync(path + "/..")
    }

    /// Lists the files, sorted by name, without the lock and hidden files.
    public func names() throws(StorageError) -> [String] {
        let names = try Self.attempt("list", folder) { () throws(SystemError) in
            try Folder.names(in: folder)
        }
        return names.filter { !$0.hasPrefix(".") && $0 != Self.lockName }.sorted()
    }

    /// Returns the size of the file in bytes.
    public func size(of name: String) throws(StorageError) -> Int {
        let file = try file(name)
        return try Self.attempt("look at", name) { () throws(SystemError) in
            try file.status().size
        }
    }

    /// Creates a durable file of `size` zeros, replacing any other of that name.
    public func create(_ name: String, size: Int) throws(StorageError) {
        forget(name)
        let new = try Self.attempt("create", name) { () throws(SystemError) in
            try File(path(name), .replace)
        }
        files.withLock { $0[name] = new }
        // Zeros are written and not only reserved: a sync of blocks that exist need not change the
        // file's metadata.
        let zeros = [UInt8](repeating: 0, count: min(size, 1 << 20))
        var offset = 0
        while offset < size {
            let count = min(zeros.count, size - offset)
            try write(name, zeros.span.extracting(first: count), at: offset)
            offset += count
        }
        try Self.attempt("sync", name) { () throws(SystemError) in try new.sync() }
        try Self.sync(folder)
    }

    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    public func read(_ name: String, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        let file = try file(name)
        return try Self.attempt("read", name) { () throws(SystemError) in
            try file.read(at: offset, count: count)
        }
    }

    /// Writes the bytes at `offset`. They are durable after `sync`.
    public func write(
        _ name: String, _ bytes: Span<UInt8>, at offset: Int
    ) throws(StorageError) {
        let file = try file(name)
        do throws(SystemError) {
            try file.write(bytes, at: offset)
        } catch {
            throw StorageError("write", name, reason: error.description)
        }
    }

    /// Makes all writes to the file durable.
    public func sync(_ name: String) throws(StorageError) {
        let file = try file(name)
        try Self.attempt("sync", name) { () throws(SystemError) in try file.syncContent() }
    }

    /// Renames the file, replacing any other of the new name, and makes that durable.
    public func rename(_ name: String, to newName: String) throws(StorageError) {
        forget(name)
        forget(newName)
        try Self.attempt("rename", name) { () throws(SystemError) in
            try Folder.rename(path(name), to: path(newName))
        }
        try Self.sync(folder)
    }

    /// Removes the file, and makes that durable.
    public func remove(_ name: String) throws(StorageError) {
        forget(name)
        try Self.attempt("remove", name) { () throws(SystemError) in
            try Folder.remove(path(name))
        }
        try Self.sync(folder)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Returns the open file. It stays open, because opening it costs more than most reads.
    private func file(_ name: String) throws(StorageError) -> File {
        if let known = files.withLock({ $0[name] }) { return known }
        let opened = try Self.attempt("open", name) { () throws(SystemError) in
            try File(path(name), .readWrite)
        }
        return files.withLock { files in
            if let known = files[name] { return known }
            files[name] = opened
            return opened
        }
    }

    private func forget(_ name: String) { files.withLock { $0[name] = nil } }

    private static func sync(_ folder: String) throws(StorageError) {
        try attempt("sync", folder) { () throws(SystemError) in try Folder.sync(folder) }
    }

    private static func attempt<Result>(
        _ operation: String, _ name: String, _ body: () throws(SystemError) -> Result
    ) throws(StorageError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw StorageError(operation, name, reason: error.description)
        }
    }
}
