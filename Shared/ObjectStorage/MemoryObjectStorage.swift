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

    /// Returns the whole object.
    public func get(_ key: String) throws(ObjectStorageError) -> [UInt8] {
        try ObjectKey.check(key)
        guard let bytes = objects.withLock({ $0[key] }) else { throw .noObject(key) }
        return bytes
    }

    /// Returns a range of the object.
    public func get(_ key: String, _ range: Range<Int>) throws(ObjectStorageError) -> [UInt8] {
        let bytes = try get(key)
        return Array(bytes[range.clamped(to: bytes.indices)])
    }

    /// Returns the size of the object in bytes, or nil if it does not exist.
    public func size(of key: String) throws(ObjectStorageError) -> Int? {
        try ObjectKey.check(key)
        return objects.withLock { $0[key]?.count }
    }

    /// Returns all objects whose keys begin with `prefix`, sorted by the bytes of their keys.
    public func list(_ prefix: String) -> [StoredObject] {
        objects.withLock { objects in
            objects.filter { $0.key.utf8.starts(with: prefix.utf8) }
                .map { StoredObject(key: $0.key, size: $0.value.count) }.sortedByKey()
        }
    }

    /// Removes the object, if there is one.
    public func delete(_ key: String) throws(ObjectStorageError) {
        try ObjectKey.check(key)
        objects.withLock { $0[key] = nil }
    }
}
