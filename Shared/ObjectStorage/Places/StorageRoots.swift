import Files

/// The places below which a process may open storages: folders, and buckets with a prefix.
///
/// A client names a place, but the process that opens it has other rights than the client. So the
/// process's operator says where places may be.
public struct StorageRoots: Sendable, CustomStringConvertible {
    /// No place at all.
    public static let nowhere = StorageRoots(roots: [])

    private let roots: [StoragePlace]

    /// Creates the roots.
    ///
    /// - Parameter texts: absolute paths of folders, and `s3://bucket/prefix`.
    /// - Throws: `invalid` if one of the texts is neither.
    public init(_ texts: [String]) throws(ObjectStorageError) {
        var roots: [StoragePlace] = []
        for text in texts {
            let root = try StoragePlace(text)
            if case .folder(let path) = root, !path.hasPrefix("/") {
                throw .invalid("'\(path)' is not a root for places: use an absolute path")
            }
            roots.append(root)
        }
        self.init(roots: roots)
    }

    private init(roots: [StoragePlace]) { self.roots = roots }

    /// The roots as people write them.
    public var description: String {
        roots.isEmpty ? "none" : roots.map(\.description).joined(separator: ", ")
    }

    /// Checks that objects whose keys begin with `key` are below one of the roots, where links
    /// lead.
    ///
    /// - Throws: `rejected` if they are not. The error names the roots.
    public func check(_ place: StoragePlace, _ key: String) throws(ObjectStorageError) {
        for root in roots where try Self.holds(root, place, key) { return }
        throw .rejected(
            "\(place) is outside the archive roots (\(self)); choose a place below one, or start "
                + "the event store with another --archive-root")
    }

    private static func holds(
        _ root: StoragePlace, _ place: StoragePlace, _ key: String
    ) throws(ObjectStorageError) -> Bool {
        switch (root, place) {
        case (.folder(let root), .folder(let path)):
            guard let folder = try target(of: root), let target = try target(of: "\(path)/\(key)")
            else { return false }
            return folder == "/" || target.utf8.starts(with: "\(folder)/".utf8)
        case (.s3(let bucket, let prefix), .s3(let otherBucket, let other)):
            return bucket == otherBucket
                && (prefix.isEmpty || other == prefix || other.utf8.starts(with: "\(prefix)/".utf8))
        default: return false
        }
    }

    /// Returns the path without links, or nil if it can't be known: it leads through a link to
    /// nothing, or back to a parent that does not exist.
    private static func target(of path: String) throws(ObjectStorageError) -> String? {
        do throws(SystemError) {
            return try Folder.target(of: path)
        } catch {
            throw .rejected("can't look at \(path): \(error)")
        }
    }
}
