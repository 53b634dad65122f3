import EventSourcing
import Foundation
import ObjectStorage

extension ArchiveReader {
    /// Opens the archive of this name in a place, with the credentials of this process.
    ///
    /// - Parameter place: a folder, or `s3://bucket/prefix`.
    /// - Throws: `ArchiveError`, `ObjectStorageError`, or `DaybookError` if the folder is missing.
    public init(_ name: String, in place: String, endpoint: String?) async throws {
        let place = try StoragePlace(place)
        // Opening a folder would create it.
        if case .folder(let path) = place, !FileManager.default.fileExists(atPath: path) {
            throw DaybookError(.invalid, "there is no folder \(path)")
        }
        let storage = try place.open(
            environment: ProcessInfo.processInfo.environment, endpoint: endpoint)
        try await self.init(in: storage, name: name)
    }
}
