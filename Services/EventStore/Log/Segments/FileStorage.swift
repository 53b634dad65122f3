import Files
import Synchronization

/// A folder of a file system, locked for this process alone, or open for reading.
public final class FileStorage: LogStorage {
    private static let lockName = "lock"

    private let folder: String
    private let lock: File?
    private let isReadOnly: Bool
    private let files = Mutex<[String: File]>([:])

    /// Opens the folder, or creates it with its parents if it does not exist.
    ///
    /// - Throws: `locked` if another process has locked the folder, `storage` if a system call
    ///   fails.
    public init(folder: String) throws(LogError) {
        self.folder = folder
        _ = try Self.attempt("make folder", folder, try Folder.makeWithParents(folder))
        let path = "\(folder)/\(Self.lockName)"
        let lock = try Self.attempt("lock", path, try File(path, .create))
        guard try Self.attempt("lock", path, try lock.lock()) else {
            throw .locked(folder)
        }
        self.lock = lock
        isReadOnly = false
    }

    /// Opens the folder for reading, without any write to it. So the folder may be on a medium that
    /// can't be written to. Every change fails. A folder that does not exist is empty.
    ///
    /// - Throws: `locked` if another process has locked the folder, `storage` if it can't be read.
    public init(reading folder: String) throws(LogError) {
        self.folder = folder
        isReadOnly = true
        let path = "\(folder)/\(Self.lockName)"
        let hasLock = try Self.attempt("look at", path, try Folder.status(of: path)) != nil
        // Without a lock, no process has ever written here: the folder is a copy.
        lock = hasLock ? try Self.attempt("lock", path, try File(path, .read)) : nil
        let isLocked: Bool
        do throws(SystemError) {
            isLocked = try lock?.lock() ?? true
        } catch {
            // Some file systems do not lock a file that is open for reading, or lock none at all.
            isLocked = true
        }
        if !isLocked { throw .locked(folder) }
    }

    deinit { lock?.unlock() }

    /// Moves this folder to `path` in one atomic step.
    ///
    /// A folder at `path` may hold nothing but the lock of a log that was never created. Do not use
    /// the storage afterwards. It keeps its lock until it is deallocated.
    public func move(to path: String) throws(LogError) {
        let otherLock = "\(path)/\(Self.lockName)"
        if try Self.attempt("remove", otherLock, try Folder.status(of: otherLock)) != nil {
            try Self.attempt("remove", otherLock, try Folder.remove(otherLock))
        }
        try Self.attempt("make", path, try Folder.rename(folder, to: path))
        try Self.sync(path + "/..")
    }

    /// Lists the files, sorted by name, without the lock and hidden files.
    public func names() throws(LogError) -> [String] {
        if isReadOnly, try Self.attempt("look at", folder, try Folder.status(of: folder)) == nil {
            return []
        }
        let names = try Self.attempt("list", folder, try Folder.names(in: folder))
        return names.filter { !$0.hasPrefix(".") && $0 != Self.lockName }.sorted()
    }

    /// Returns the size of the file in bytes.
    public func size(of name: String) throws(LogError) -> Int {
        let file = try file(name)
        return try Self.attempt("look at", name, try file.status().size)
    }

    /// Creates a durable file of `size` zeros, replacing any other of that name.
    public func create(_ name: String, size: Int) throws(LogError) {
        try checkWritable("create", name)
        forget(name)
        let new = try Self.attempt("create", name, try File(path(name), .replace))
        files.withLock { $0[name] = new }
        // Zeros are written and not only reserved: a sync of blocks that exist need not change the
        // file's metadata.
        let zeros = [UInt8](repeating: 0, count: min(size, 1 << 20))
        for offset in stride(from: 0, to: size, by: 1 << 20) {
            let count = min(zeros.count, size - offset)
            try write(name, zeros.span.extracting(first: count), at: offset)
        }
        try Self.attempt("sync", name, try new.sync())
        try Self.sync(folder)
    }

    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    public func read(_ name: String, at offset: Int, count: Int) throws(LogError) -> [UInt8] {
        let file = try file(name)
        return try Self.attempt("read", name, try file.read(at: offset, count: count))
    }

    /// Writes the bytes at `offset`. They are durable after `sync`.
    public func write(
        _ name: String, _ bytes: Span<UInt8>, at offset: Int
    ) throws(LogError) {
        try checkWritable("write", name)
        let file = try file(name)
        try Self.attempt("write", name, try file.write(bytes, at: offset))
    }

    /// Makes all writes to the file durable.
    public func sync(_ name: String) throws(LogError) {
        let file = try file(name)
        try Self.attempt("sync", name, try file.syncContent())
    }

    /// Renames the file, replacing any other of the new name, and makes that durable.
    public func rename(_ name: String, to newName: String) throws(LogError) {
        try checkWritable("rename", name)
        forget(name)
        forget(newName)
        try Self.attempt("rename", name, try Folder.rename(path(name), to: path(newName)))
        try Self.sync(folder)
    }

    /// Removes the file, and makes that durable.
    public func remove(_ name: String) throws(LogError) {
        try checkWritable("remove", name)
        forget(name)
        try Self.attempt("remove", name, try Folder.remove(path(name)))
        try Self.sync(folder)
    }

    /// Returns the space of the file system that is left for this process, in bytes.
    public func freeBytes() throws(LogError) -> Int {
        try Self.attempt("look at", folder, try Folder.freeBytes(at: folder))
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Returns the open file. It stays open, because opening it costs more than most reads.
    private func file(_ name: String) throws(LogError) -> File {
        if let known = files.withLock({ $0[name] }) { return known }
        let mode: File.Mode = isReadOnly ? .read : .readWrite
        let opened = try Self.attempt("open", name, try File(path(name), mode))
        return files.withLock { files in
            if let known = files[name] { return known }
            files[name] = opened
            return opened
        }
    }

    private func forget(_ name: String) { files.withLock { $0[name] = nil } }

    /// Throws if the folder is open for reading only.
    private func checkWritable(_ operation: String, _ name: String) throws(LogError) {
        if isReadOnly { throw .storage(operation, name, reason: "it is open for reading only") }
    }

    private static func sync(_ folder: String) throws(LogError) {
        try attempt("sync", folder, try Folder.sync(folder))
    }

    private static func attempt<Result>(
        _ operation: String, _ name: String, _ body: @autoclosure () throws(SystemError) -> Result
    ) throws(LogError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .storage(operation, name, reason: error.description)
        }
    }
}
