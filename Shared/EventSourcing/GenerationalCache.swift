/// A bounded cache of recently used entries in two generations.
///
/// When the young generation is full it becomes the old one. Entries that were not used since then
/// are forgotten.
public struct GenerationalCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline var young: [Key: Value] = [:]
    @usableFromInline var old: [Key: Value] = [:]
    @usableFromInline let generationSize: Int

    /// Creates an empty cache.
    ///
    /// - Parameter generationSize: half of the largest number of entries.
    @inlinable public init(generationSize: Int) { self.generationSize = generationSize }

    /// The value of a key, or nil if it is not in the cache. Reading it keeps it in the young
    /// generation.
    @inlinable public subscript(key: Key) -> Value? {
        mutating get {
            if let value = young[key] { return value }
            guard let value = old.removeValue(forKey: key) else { return nil }
            insert(value, for: key)
            return value
        }
        set {
            if !old.isEmpty { old[key] = nil }
            if let newValue { insert(newValue, for: key) } else { young[key] = nil }
        }
    }

    @inlinable mutating func insert(_ value: Value, for key: Key) {
        if young.count >= generationSize {
            old = young
            young = [:]
        }
        young[key] = value
    }
}
