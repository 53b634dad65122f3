/// A bounded cache: what was used lately is kept, in two generations. When the young one is full it
/// becomes the old one, and what nobody asked for since is forgotten.
public struct GenerationalCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline var young: [Key: Value] = [:]
    @usableFromInline var old: [Key: Value] = [:]
    @usableFromInline let generationSize: Int

    /// - Parameter generationSize: half of the most entries that are kept.
    @inlinable public init(generationSize: Int) { self.generationSize = generationSize }

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
