public import EventSourcing
public import ObjectStorage

/// What keeps an archive from being written or read.
public enum ArchiveError: ClassifiedError, Hashable {
    case storage(ObjectStorageError)
    case invalidName(String)
    case noArchive(String)
    /// There are segments, but nothing that says which of them count.
    case noManifest(String)
    case otherLog(archive: String, of: EventID, asked: EventID)
    case unknownVersion(object: String, Int)
    case damagedManifest(String, String)
    /// What was to be archived does not check, and was not taken.
    case damagedEvent(position: UInt64, RecordError)
    /// All of the segment's events up to the position `sound` are as they were archived; those
    /// behind it, up to the position `last`, are damaged.
    case damaged(segment: String, sound: UInt64, last: UInt64, String)

    public var kind: DaybookError.Kind {
        switch self {
        case .storage(let error): error.kind
        case .invalidName, .otherLog: .invalid
        case .noArchive: .notFound
        case .noManifest, .unknownVersion, .damagedManifest, .damagedEvent, .damaged: .damaged
        }
    }

    public var description: String {
        switch self {
        case .storage(let error): error.description
        case .invalidName(let name):
            "'\(name)' is no name of an archive: it takes 1 to 64 letters, digits, '-', '_' or "
                + "'.', the first no '.'"
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
        case .damaged(let segment, let sound, let last, let reason):
            "\(segment) is damaged behind position \(sound), up to \(last): \(reason)"
        }
    }
}

/// Runs `body`, naming storage's failure as the archive's.
func storing<Result>(
    _ body: () async throws(ObjectStorageError) -> Result
) async throws(ArchiveError) -> Result {
    do { return try await body() } catch { throw .storage(error) }
}
