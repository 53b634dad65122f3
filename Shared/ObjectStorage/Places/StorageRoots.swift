import Files
import Foundation

/// The places below which a process may open storages: folders, buckets with a prefix, and the
/// endpoints of S3-compatible stores at which such buckets may be.
///
/// A client names a place, but the process that opens it has other rights than the client. So the
/// process's operator says where places may be.
public struct StorageRoots: Sendable, CustomStringConvertible {
    /// No place at all.
    public static let nowhere = StorageRoots(roots: [], endpoints: [])

    private let roots: [StoragePlace]
    private let endpoints: [String]

    /// Creates the roots.
    ///
    /// - Parameter texts: absolute paths of folders, `s3://bucket/prefix`, and the endpoints of
    ///   S3-compatible stores, http:// or https://.
    /// - Throws: `invalid` for any other text.
    public init(_ texts: [String]) throws(ObjectStorageError) {
        var roots: [StoragePlace] = []
        var endpoints: [String] = []
        for text in texts {
            if text.hasPrefix("http://") || text.hasPrefix("https://") {
                endpoints.append(try S3Configuration.checkedEndpoint(text))
                continue
            }
            let root = try StoragePlace(text)
            if case .folder(let path) = root, !path.hasPrefix("/") {
                throw .invalid("'\(path)' is not a root for places: use an absolute path")
            }
            roots.append(root)
        }
        self.init(roots: roots, endpoints: endpoints)
    }

    private init(roots: [StoragePlace], endpoints: [String]) {
        self.roots = roots
        self.endpoints = endpoints
    }

    /// The roots as people write them.
    public var description: String {
        let texts = roots.map(\.description) + endpoints
        return texts.isEmpty ? "none" : texts.joined(separator: ", ")
    }

    /// Checks that objects whose keys begin with `key` are below one of the roots, where links
    /// lead.
    ///
    /// - Parameters:
    ///   - endpoint: the endpoint of a bucket, or nil for the process's own. Another server than
    ///     those that the operator lists would get the process's requests and the objects.
    ///   - environment: the variables in which the process finds its own endpoint. Nil stands for
    ///     those of this process.
    /// - Throws: `rejected` if they are not, `invalid` if the endpoint is not a URL. The error
    ///   names the roots.
    public func check(
        _ place: StoragePlace, _ key: String, endpoint: String? = nil,
        environment: [String: String]? = nil
    ) throws(ObjectStorageError) {
        if case .s3 = place, let endpoint {
            let endpoint = try S3Configuration.checkedEndpoint(endpoint)
            let own = S3Configuration.endpoint(
                in: environment ?? ProcessInfo.processInfo.environment)
            guard endpoints.contains(endpoint) || endpoint == own else {
                throw .rejected(
                    "the endpoint \(endpoint) is outside the archive roots (\(self)); start the "
                        + "event store with --archive-root \(endpoint), or set AWS_ENDPOINT_URL")
            }
        }
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
