import Foundation

/// The place of a storage as people write it: the path of a folder, or `s3://bucket/prefix`.
public enum StoragePlace: Hashable, Sendable, CustomStringConvertible {
    /// A folder at this path.
    case folder(String)
    /// A bucket of an S3-compatible store.
    ///
    /// The prefix goes before every key, with a `/` between. It may be empty.
    case s3(bucket: String, prefix: String)

    /// Parses a place.
    ///
    /// - Throws: `invalid` if the text is neither a path nor `s3://bucket/prefix`.
    public init(_ text: String) throws(ObjectStorageError) {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw Self.invalid(text) }
        guard let separator = text.firstRange(of: "://") else {
            guard !text.isEmpty else { throw Self.invalid(text) }
            self = .folder(text)
            return
        }
        let rest = text[separator.upperBound...].split(separator: "/", maxSplits: 1)
        guard text[..<separator.lowerBound] == "s3", let bucket = rest.first,
            !text.hasPrefix("s3:///"), Self.isBucket(bucket)
        else { throw Self.invalid(text) }
        var prefix = rest.dropFirst().first ?? ""
        while prefix.last == "/" { prefix.removeLast() }
        if !prefix.isEmpty { try ObjectKey.check(String(prefix)) }
        self = .s3(bucket: String(bucket), prefix: String(prefix))
    }

    /// The place as `init(_:)` reads it.
    public var description: String {
        switch self {
        case .folder(let path): path
        case .s3(let bucket, ""): "s3://\(bucket)"
        case .s3(let bucket, let prefix): "s3://\(bucket)/\(prefix)"
        }
    }

    /// The path of the folder if it does not exist. `open` would create it.
    public var missingFolder: String? {
        guard case .folder(let path) = self else { return nil }
        return FileManager.default.fileExists(atPath: path) ? nil : path
    }

    /// Opens the storage at this place.
    ///
    /// - Parameters:
    ///   - environment: the variables in which `S3Configuration` finds the endpoint, the region and
    ///     the credentials. Nil stands for those of this process.
    ///   - endpoint: the endpoint, which overrides the environment's.
    /// - Throws: `invalid` if the configuration is incomplete or wrong, `rejected` if the folder
    ///   can't be created.
    public func open(
        environment: [String: String]? = nil, endpoint: String? = nil
    ) throws(ObjectStorageError) -> any ObjectStorage {
        switch self {
        case .folder(let path): try FolderObjectStorage(folder: path)
        case .s3(let bucket, let prefix):
            S3ObjectStorage(
                bucket: bucket, prefix: prefix,
                try S3Configuration(
                    environment: environment ?? ProcessInfo.processInfo.environment,
                    endpoint: endpoint))
        }
    }

    private static func isBucket(_ name: Substring) -> Bool {
        let form = #/[A-Za-z0-9\-_][A-Za-z0-9\-_.]{0,254}/#
        return name.wholeMatch(of: form.matchingSemantics(.unicodeScalar)) != nil
    }

    private static func invalid(_ text: String) -> ObjectStorageError {
        let visible = text.unicodeScalars.filter { $0.value >= 0x20 }
        let shown = String(String.UnicodeScalarView(visible))
        return .invalid(
            "'\(shown)' is not a place; it must be the path of a folder or s3://bucket/prefix, "
                + "without control characters")
    }
}
