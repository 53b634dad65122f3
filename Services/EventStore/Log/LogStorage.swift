public import EventSourcing

/// The files of a log: a folder, or something that behaves like one.
///
/// Any thread may use it, but only one at a time may write to, rename or remove a given file. A
/// write is durable once `sync` of its file has returned. Creating, renaming and removing a file
/// are durable when they return.
public protocol LogStorage: AnyObject, Sendable {
    /// Lists the names of the files in order.
    func names() throws(StorageError) -> [String]
    /// Returns the size of the file in bytes.
    func size(of name: String) throws(StorageError) -> Int
    /// Creates a file of `size` zeros, replacing any other of that name.
    func create(_ name: String, size: Int) throws(StorageError)
    /// Reads `count` bytes from `offset` on, or fewer if the file ends before.
    func read(_ name: String, at offset: Int, count: Int) throws(StorageError) -> [UInt8]
    /// Writes the bytes at `offset`. The file grows if they end after it.
    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(StorageError)
    /// Makes all writes to the file durable.
    func sync(_ name: String) throws(StorageError)
    /// Renames the file in one atomic step, replacing any other of the new name.
    func rename(_ name: String, to newName: String) throws(StorageError)
    /// Removes the file.
    func remove(_ name: String) throws(StorageError)
}

extension LogStorage {
    /// Writes the whole file in one atomic step: it gets its name once it is on disk.
    func put(_ name: String, _ bytes: Span<UInt8>) throws(LogError) {
        let temporary = name + ".new"
        try storing { () throws(StorageError) in
            try create(temporary, size: 0)
            try write(temporary, bytes, at: 0)
            try sync(temporary)
            try rename(temporary, to: name)
        }
    }
}

/// A failed file operation: which one, on which file, and why.
public struct StorageError: ClassifiedError, Hashable {
    /// The operation, as an infinitive such as `read`.
    public let operation: String
    /// The file or folder.
    public let name: String
    /// The reason that the system gives.
    public let reason: String

    /// Creates an error from the operation, the file's name and the reason.
    public init(_ operation: String, _ name: String, reason: String) {
        self.operation = operation
        self.name = name
        self.reason = reason
    }

    /// The message `can't <operation> <name>: <reason>`.
    public var description: String { "can't \(operation) \(name): \(reason)" }

    /// `unavailable` if another process has locked the storage, because then the disk did not fail.
    public var kind: DaybookError.Kind { operation == Self.lock ? .unavailable : .storage }

    static let lock = "lock"
}
