import Synchronization

/// Objects in memory, for tests.
public final class MemoryObjectStorage: ObjectStorage {
    private let objects = Mutex<[String: [UInt8]]>([:])

    /// Creates an empty storage.
    public init() {}

    /// Keeps the object in memory.
    public func put(_ bytes: [UInt8], at key: String) throws(ObjectStorageError) {
        try ObjectKey.check(key)
        objects.withLock { $0[key] = bytes }
    }

    /// Returns the object.
    public func get(_ key: String) throws(ObjectStorageError) -> [UInt8] {
        try ObjectKey.check(key)
        guard let bytes = objects.withLock({ $0[key] }) else { throw .noObject(key) }
        return bytes
    }

    /// Returns the keys of all objects that begin with `prefix`, sorted by their bytes.
    public func list(_ prefix: String) -> [String] {
        objects.withLock { Array($0.keys) }.keys(with: prefix)
    }

    /// Removes the object, if there is one.
    public func delete(_ key: String) throws(ObjectStorageError) {
        try ObjectKey.check(key)
        objects.withLock { $0[key] = nil }
    }
}
