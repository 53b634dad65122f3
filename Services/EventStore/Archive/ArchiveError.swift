public import EventSourcing
public import ObjectStorage

/// Why an archive could not be written or read.
public enum ArchiveError: ClassifiedError, Hashable {
    /// The object storage failed.
    case storage(ObjectStorageError)
    /// The name does not have the form of an archive's name.
    case invalidName(String)
    /// No archive has this name.
    case noArchive(String)
    /// The archive has segments, but no manifest that says which of them count.
    case noManifest(String)
    /// The archive is of the log `of`, not of the log `asked`.
    case otherLog(archive: String, of: EventID, asked: EventID)
    /// The object has a format version that this program does not know.
    case unknownVersion(object: String, Int)
    /// The manifest (its key) is damaged. The second text is the reason.
    case damagedManifest(String, String)
    /// The event is invalid and was not archived.
    case damagedEvent(position: UInt64, RecordError)
    /// The segment is damaged. Its events up to the position `sound` are valid. Those after it, up
    /// to the position `last`, can't be read.
    case damaged(segment: String, validThrough: UInt64, last: UInt64, String)

    public var kind: DaybookError.Kind {
        switch self {
        case .storage(let error): error.kind
        case .invalidName, .otherLog: .invalid
        case .noArchive: .notFound
        case .noManifest, .unknownVersion, .damagedManifest, .damagedEvent, .damaged: .damaged
        }
    }

    /// A message of one line that says what is wrong.
    public var description: String {
        switch self {
        case .storage(let error): error.description
        case .invalidName(let name):
            "invalid archive name '\(name)'; use 1 to 64 letters, digits, '-', '_' or '.', and "
                + "no '.' first"
        case .noArchive(let name): "there is no archive \(name)"
        case .noManifest(let name):
            "archive \(name) has segments, but \(ArchiveManifest.key(of: name)) is missing"
        case .otherLog(let archive, let log, let asked):
            "archive \(archive) is of log \(log), not of \(asked)"
        case .unknownVersion(let object, let version):
            "\(object) has format version \(version); this program reads "
                + "\(ArchiveManifest.formatVersion)"
        case .damagedManifest(let object, let reason): "\(object) is damaged: \(reason)"
        case .damagedEvent(let position, let error):
            "the event at position \(position) can't be archived: \(error)"
        case .damaged(let segment, let validThrough, let last, let reason):
            "\(segment) is damaged after position \(validThrough), up to \(last): \(reason)"
        }
    }
}

/// Runs `body` and rethrows storage's error as the archive's.
func storing<Result>(
    _ body: @autoclosure () async throws(ObjectStorageError) -> Result
) async throws(ArchiveError) -> Result {
    do { return try await body() } catch { throw .storage(error) }
}
