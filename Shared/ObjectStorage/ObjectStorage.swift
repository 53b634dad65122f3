public import EventSourcing

/// A storage of whole objects under keys: a folder, or a bucket of an S3-compatible store.
///
/// An object is stored whole or not at all: nobody reads a part of one, or a mixture of two. It is
/// durable when `put` returns. If `put` or `delete` throws, it may still have taken effect. Keys
/// are relative paths that fulfil `ObjectKey.check`.
public protocol ObjectStorage: Sendable {
    /// Stores the object, and replaces an existing one.
    func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError)

    /// Returns the object.
    ///
    /// - Throws: `noObject` if it does not exist.
    func get(_ key: String) async throws(ObjectStorageError) -> [UInt8]

    /// Returns the keys of all objects that begin with `prefix`, sorted by their bytes.
    func list(_ prefix: String) async throws(ObjectStorageError) -> [String]

    /// Removes the object, if there is one.
    func delete(_ key: String) async throws(ObjectStorageError)
}

extension Sequence<String> {
    /// Returns the keys that begin with `prefix`, sorted by their bytes.
    ///
    /// It compares bytes, because a character may reach across the end of the prefix.
    func keys(with prefix: String) -> [String] {
        filter { $0.utf8.starts(with: prefix.utf8) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// The rules for keys, which are the same in every storage.
public enum ObjectKey {
    /// The longest key, in bytes.
    public static let maximumBytes = 900

    /// Throws `invalid` unless the key is valid.
    ///
    /// A key has parts of 1 to 200 bytes, separated by `/`. A part does not begin with a dot and
    /// has no control characters. So no key leads out of a folder, or to the folder's hidden files.
    public static func check(_ key: String) throws(ObjectStorageError) {
        let parts = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard key.utf8.count <= maximumBytes, parts.allSatisfy(isPart) else {
            throw .invalid(
                "'\(key)' is not a key: keys have parts of 1 to 200 bytes, separated by '/', that "
                    + "do not begin with a dot, \(maximumBytes) bytes in all")
        }
    }

    private static func isPart(_ part: Substring.UTF8View) -> Bool {
        (1...200).contains(part.count) && part.first != UInt8(ascii: ".")
            && part.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

/// Why a storage failed. The description is one line that names the object or the place.
public enum ObjectStorageError: ClassifiedError, Hashable {
    /// The key, the place or the configuration is invalid.
    case invalid(String)
    /// There is no object with this key.
    case noObject(String)
    /// The storage denies the request. A retry does not help.
    case rejected(String)
    /// The storage fails for now. A retry may help.
    case unavailable(String)
    /// The calling task was cancelled.
    case cancelled

    public var kind: DaybookError.Kind {
        switch self {
        case .invalid: .usage
        case .noObject: .notFound
        case .rejected: .rejected
        case .unavailable, .cancelled: .unavailable
        }
    }

    /// The error in one line.
    public var description: String {
        switch self {
        case .invalid(let line), .rejected(let line), .unavailable(let line): line
        case .noObject(let key): "there is no object \(key)"
        case .cancelled: "cancelled"
        }
    }
}
