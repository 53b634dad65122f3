import Glibc
import Synchronization

/// A folder of a file system, locked for this process alone.
@safe public final class FileStorage: LogStorage {
    private static let lockName = "lock"

    private let folder: String
    private let lock: Int32
    private let descriptors = Mutex<[String: Int32]>([:])

    /// Opens the folder, or creates it if it does not exist.
    ///
    /// - Throws: `StorageError` if another process has locked the folder, or a system call fails.
    public init(folder: String) throws(StorageError) {
        self.folder = folder
        guard unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw Self.failure("make folder", folder)
        }
        let path = "\(folder)/\(Self.lockName)"
        lock = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard lock >= 0 else { throw Self.failure("open", path) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            _ = close(lock)
            throw StorageError(
                StorageError.lock, folder,
                reason: "another process writes to this log; stop it first")
        }
    }

    /// Moves this folder to `path` in one atomic step.
    ///
    /// A folder at `path` may hold nothing but the lock of a log that was never created. Do not use
    /// the storage afterwards. It keeps its lock until it is deallocated.
    public func move(to path: String) throws(StorageError) {
        guard unsafe unlink("\(path)/\(Self.lockName)") == 0 || errno == ENOENT else {
            throw Self.failure("remove", "\(path)/\(Self.lockName)")
        }
        guard unsafe Glibc.rename(folder, path) == 0 else { throw Self.failure("make", path) }
        try Self.sync(path + "/..")
    }

    deinit {
        for descriptor in descriptors.withLock(\.values) { _ = close(descriptor) }
        // A child process holds the descriptor, too, until it executes its program. Only an
        // explicit unlock frees the folder at once.
        _ = flock(lock, LOCK_UN)
        _ = close(lock)
    }

    /// Lists the files, sorted by name, without the lock and hidden files.
    public func names() throws(StorageError) -> [String] {
        guard let directory = unsafe opendir(folder) else { throw Self.failure("list", folder) }
        defer { unsafe _ = closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if !name.hasPrefix("."), name != Self.lockName { names.append(name) }
        }
        return names.sorted()
    }

    /// Returns the size of the file in bytes.
    public func size(of name: String) throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstat(try descriptor(name), &status) == 0 else {
            throw Self.failure("look at", name)
        }
        return Int(status.st_size)
    }

    /// Creates a durable file of `size` zeros, replacing any other of that name.
    public func create(_ name: String, size: Int) throws(StorageError) {
        forget(name)
        let new = unsafe open("\(folder)/\(name)", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard new >= 0 else { throw Self.failure("create", name) }
        descriptors.withLock { $0[name] = new }
        // Zeros are written and not only reserved: a sync of blocks that exist need not change the
        // file's metadata.
        let zeros = [UInt8](repeating: 0, count: min(size, 1 << 20))
        var offset = 0
        while offset < size {
            let count = min(zeros.count, size - offset)
            try write(name, zeros.span.extracting(first: count), at: offset)
            offset += count
        }
        guard fsync(new) == 0 else { throw Self.failure("sync", name) }
        try Self.sync(folder)
    }

    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    public func read(_ name: String, at offset: Int, count: Int) throws(StorageError) -> [UInt8] {
        let descriptor = try descriptor(name)
        var code: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress! + filled,  // count > 0 here
                    count - filled, off_t(offset + filled))
                if got < 0 {
                    if errno == EINTR { continue }
                    code = errno
                    return
                }
                if got == 0 { return }
                filled += got
            }
        }
        guard code == 0 else { throw Self.failure("read", name, code) }
        return bytes
    }

    /// Writes the bytes at `offset`. They are durable after `sync`.
    public func write(
        _ name: String, _ bytes: Span<UInt8>, at offset: Int
    ) throws(StorageError) {
        let descriptor = try descriptor(name)
        var code: Int32 = 0
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            var written = 0
            while written < buffer.count {
                let count = unsafe pwrite(
                    descriptor, base + written, buffer.count - written, off_t(offset + written))
                if count < 0 {
                    if errno == EINTR { continue }
                    code = errno
                    return
                }
                written += count
            }
        }
        guard code == 0 else { throw Self.failure("write", name, code) }
    }

    /// Makes all writes to the file durable.
    public func sync(_ name: String) throws(StorageError) {
        guard fdatasync(try descriptor(name)) == 0 else { throw Self.failure("sync", name) }
    }

    /// Renames the file, replacing any other of the new name, and makes that durable.
    public func rename(_ name: String, to newName: String) throws(StorageError) {
        forget(name)
        forget(newName)
        guard unsafe Glibc.rename("\(folder)/\(name)", "\(folder)/\(newName)") == 0 else {
            throw Self.failure("rename", name)
        }
        try Self.sync(folder)
    }

    /// Removes the file, and makes that durable.
    public func remove(_ name: String) throws(StorageError) {
        forget(name)
        guard unsafe unlink("\(folder)/\(name)") == 0 else { throw Self.failure("remove", name) }
        try Self.sync(folder)
    }

    private func descriptor(_ name: String) throws(StorageError) -> Int32 {
        if let known = descriptors.withLock({ $0[name] }) { return known }
        let opened = unsafe open("\(folder)/\(name)", O_RDWR | O_CLOEXEC)
        guard opened >= 0 else { throw Self.failure("open", name) }
        let first = descriptors.withLock { descriptors in
            if let known = descriptors[name] { return known }
            descriptors[name] = opened
            return opened
        }
        if first != opened { _ = close(opened) }
        return first
    }

    private func forget(_ name: String) {
        let known = descriptors.withLock { $0.removeValue(forKey: name) }
        if let known { _ = close(known) }
    }

    /// Makes the entries of a folder durable.
    private static func sync(_ folder: String) throws(StorageError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", folder) }
    }

    private static func failure(
        _ operation: String, _ name: String, _ code: Int32 = errno
    ) -> StorageError {
        StorageError(operation, name, reason: unsafe String(cString: strerror(code)))
    }
}
