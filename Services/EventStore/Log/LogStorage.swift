public import EventSourcing

/// Where a log keeps its files: a folder, or something that behaves like one.
///
/// Any thread may use it, but a file is written to, renamed or removed by one at a time. A write is
/// durable once `sync` of its file has returned; making, renaming and removing a file are durable
/// when they return.
public protocol LogStorage: AnyObject, Sendable {
    func names() throws(StorageError) -> [String]
    func size(of name: String) throws(StorageError) -> Int
    /// Makes a file of `size` zeros; one that is there is replaced.
    func create(_ name: String, size: Int) throws(StorageError)
    /// The bytes from `offset` on: `count` of them, fewer where the file ends.
    func read(_ name: String, at offset: Int, count: Int) throws(StorageError) -> [UInt8]
    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(StorageError)
    func sync(_ name: String) throws(StorageError)
    /// Puts the file in the place of any other of the new name, all or nothing.
    func rename(_ name: String, to newName: String) throws(StorageError)
    func remove(_ name: String) throws(StorageError)
}

extension LogStorage {
    /// Writes a file that has its name only once it is whole and on disk.
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

/// What storage could not do, with which file, and why.
public struct StorageError: ClassifiedError, Hashable {
    public let operation: String
    public let name: String
    public let reason: String

    public init(_ operation: String, _ name: String, reason: String) {
        self.operation = operation
        self.name = name
        self.reason = reason
    }

    public var description: String { "can't \(operation) \(name): \(reason)" }

    /// `unavailable` if another process has the storage, which is not a failure of the disk.
    public var kind: DaybookError.Kind { operation == Self.lock ? .unavailable : .storage }

    static let lock = "lock"
}
