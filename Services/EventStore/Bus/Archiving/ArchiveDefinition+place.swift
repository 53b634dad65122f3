import EventArchive
import EventSourcing
import ObjectStorage
import WireProtocol

extension ArchiveDefinition {
    /// Opens the archive's place, with the credentials of this process.
    ///
    /// - Parameters:
    ///   - roots: the places below which archives may be, and the endpoints.
    ///   - mayMakeFolder: whether to create a missing folder. Otherwise a missing folder is an
    ///     error, because its file system may not be mounted yet.
    /// - Throws: `invalid` for an invalid place, `ObjectStorageError` if it can't be used.
    func openPlace(in roots: StorageRoots, mayMakeFolder: Bool) throws -> any ObjectStorage {
        let place = try checkPlace()
        try roots.check(place, name, endpoint: endpoint)
        if !mayMakeFolder, let path = place.missingFolder {
            throw ObjectStorageError.unavailable("there is no folder \(path)")
        }
        return try place.open(endpoint: endpoint)
    }

    /// Creates the empty archive in its place.
    ///
    /// - Throws: `rejected` if that fails, or if the place has an archive of this name with events.
    func make(of log: EventID, in roots: StorageRoots) async throws {
        do {
            let storage = try openPlace(in: roots, mayMakeFolder: true)
            let writer = try await ArchiveWriter(in: storage, name: name, log: log)
            let checkpoint = writer.checkpoint
            try require(
                checkpoint < writer.manifest.from && writer.manifest.from == 1, .rejected,
                "\(place) already has an archive '\(name)', up to position \(checkpoint); choose "
                    + "another name or place")
        } catch  where error is ArchiveError || error is ObjectStorageError {
            throw DaybookError(.rejected, "\(error)")
        }
    }
}
