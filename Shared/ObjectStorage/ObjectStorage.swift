public import EventSourcing

/// A place for whole objects under names: a folder, or a bucket of any S3-compatible store.
///
/// An object is put whole or not at all: nobody ever reads a part of one, or a mixture of two. It
/// is durable when `put` has returned. When `put` or `delete` throws, it may have been done all the
/// same. Keys are relative paths; `ObjectKey.check` says which.
public protocol ObjectStorage: Sendable {
    /// Stores the object; one that is there is replaced.
    func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError)

    /// The whole object.
    ///
    /// - Throws: `noObject` if there is none.
    func get(_ key: String) async throws(ObjectStorageError) -> [UInt8]

    /// The bytes of the object in `range`; fewer where it ends.
    ///
    /// - Throws: `noObject` if there is none.
    func get(_ key: String, _ range: Range<Int>) async throws(ObjectStorageError) -> [UInt8]

    /// The size of the object in bytes; nil if there is none.
    func size(of key: String) async throws(ObjectStorageError) -> Int?

    /// All objects whose keys begin with `prefix`, by the bytes of their keys.
    func list(_ prefix: String) async throws(ObjectStorageError) -> [StoredObject]

    /// Removes the object; nothing happens if there is none.
    func delete(_ key: String) async throws(ObjectStorageError)
}

/// An object as a list shows it.
public struct StoredObject: Hashable, Sendable {
    public let key: String
    /// In bytes.
    public let size: Int

    public init(key: String, size: Int) {
        self.key = key
        self.size = size
    }
}

extension [StoredObject] {
    func sortedByKey() -> Self { sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
}

/// What objects may be called, the same in every storage.
public enum ObjectKey {
    public static let maximumBytes = 900

    /// Parts of 1 to 200 bytes, separated by `/`, that do not begin with a dot and have no control
    /// characters: so no key leads out of a folder, or to what the folder keeps for itself.
    ///
    /// - Throws: `invalid` if the key is another.
    public static func check(_ key: String) throws(ObjectStorageError) {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard key.utf8.count <= maximumBytes, parts.allSatisfy(isPart) else {
            throw .invalid(
                "'\(key)' is no key: it takes parts of 1 to 200 bytes, separated by '/', that do "
                    + "not begin with a dot, \(maximumBytes) bytes in all")
        }
    }

    private static func isPart(_ part: Substring.UTF8View) -> Bool {
        (1...200).contains(part.count) && part.first != UInt8(ascii: ".")
            && part.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

/// What storage could not do; the description is one line that names the object or the place.
public enum ObjectStorageError: ClassifiedError, Hashable {
    /// The key, the place or the configuration is not one.
    case invalid(String)
    /// There is no object with this key.
    case noObject(String)
    /// It will not be done, however often it is asked for.
    case refused(String)
    /// It may be done later.
    case unavailable(String)
    /// The task that asked was cancelled.
    case cancelled

    public var kind: DaybookError.Kind {
        switch self {
        case .invalid: .usage
        case .noObject: .notFound
        case .refused: .rejected
        case .unavailable, .cancelled: .unavailable
        }
    }

    public var description: String {
        switch self {
        case .invalid(let line), .refused(let line), .unavailable(let line): line
        case .noObject(let key): "there is no object \(key)"
        case .cancelled: "cancelled"
        }
    }
}
