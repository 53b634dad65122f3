import Glibc

/// An open file, closed when the last reference to it is gone.
///
/// Any thread may use it. Reads and writes name their offset, so they do not affect each other.
@safe public final class File: Sendable {
    /// How a file is opened.
    public struct Mode: Sendable {
        /// For reading. The file must exist.
        public static let read = Mode(flags: O_RDONLY)
        /// For reading and writing. The file must exist.
        public static let readWrite = Mode(flags: O_RDWR)
        /// For reading and writing. The file is created if it does not exist.
        public static let create = Mode(flags: O_RDWR | O_CREAT)
        /// For reading and writing. The file is created, or emptied if it exists.
        public static let replace = Mode(flags: O_RDWR | O_CREAT | O_TRUNC)

        fileprivate let flags: Int32
    }

    private let descriptor: Int32

    /// Opens the file at `path`. Only its owner may read and write a new file.
    public init(_ path: String, _ mode: Mode) throws(SystemError) {
        descriptor = unsafe open(path, mode.flags | O_CLOEXEC, 0o600)
        try SystemError.check(descriptor)
    }

    deinit { _ = close(descriptor) }

    /// Returns the size and the kind of the file.
    public func status() throws(SystemError) -> FileStatus {
        var status = stat()
        try SystemError.check(unsafe fstat(descriptor, &status))
        return FileStatus(status)
    }

    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    public func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress! + filled,  // count > 0 here
                    count - filled, off_t(offset + filled))
                if got < 0, errno != EINTR { failure = SystemError() }
                if got == 0 || failure != nil { return }
                filled += max(got, 0)
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes the bytes at `offset`. They are durable after a sync.
    public func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemError) {
        var failure: SystemError?
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            var written = 0
            while written < buffer.count {
                let count = unsafe pwrite(
                    descriptor, base + written, buffer.count - written, off_t(offset + written))
                if count < 0, errno != EINTR {
                    failure = SystemError()
                    return
                }
                written += max(count, 0)
            }
        }
        if let failure { throw failure }
    }

    /// Makes the content and the metadata of the file durable.
    public func sync() throws(SystemError) { try SystemError.check(fsync(descriptor)) }

    /// Makes the content of the file durable, and its metadata only if reading needs it.
    public func syncContent() throws(SystemError) { try SystemError.check(fdatasync(descriptor)) }

    /// Locks the file for this process alone. Returns false if another process has locked it.
    ///
    /// The system releases the lock when the process ends or crashes.
    public func lock() throws(SystemError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw SystemError() }
        return false
    }

    /// Releases the lock.
    ///
    /// Closing the file is not enough: a child process that is just starting may still have a copy
    /// of the descriptor, which keeps the lock.
    public func unlock() { _ = flock(descriptor, LOCK_UN) }
}

/// The size and the kind of a file, and its identity.
public struct FileStatus: Hashable, Sendable {
    /// The identity of a file, whatever its path.
    public struct Identity: Hashable, Sendable {
        fileprivate let device: UInt
        fileprivate let number: UInt
    }

    /// The size in bytes.
    public let size: Int
    /// Whether it is a regular file, and not a folder or a device.
    public let isFile: Bool
    /// Whether it is a folder.
    public let isFolder: Bool
    /// The identity of the file.
    public let identity: Identity

    init(_ status: stat) {
        size = Int(status.st_size)
        isFile = status.st_mode & S_IFMT == S_IFREG
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        identity = Identity(device: status.st_dev, number: status.st_ino)
    }
}
