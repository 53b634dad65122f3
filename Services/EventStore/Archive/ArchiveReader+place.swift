import EventSourcing
import ObjectStorage

extension ArchiveReader {
    /// Opens the archive of this name in a place, with the credentials of this process.
    ///
    /// - Parameter place: a folder, or `s3://bucket/prefix`.
    /// - Throws: `ArchiveError`, `ObjectStorageError`, or `DaybookError` if the folder is missing.
    public init(_ name: String, in place: String, endpoint: String?) async throws {
        let place = try StoragePlace(place)
        if let path = place.missingFolder {
            throw DaybookError(.invalid, "there is no folder \(path)")
        }
        try await self.init(in: try place.open(endpoint: endpoint), name: name)
    }
}
