import EventArchive
import EventSourcing
import Foundation
import ObjectStorage

extension ArchiveReader {
    /// The archive of this name in a place as people write it, with this process's credentials.
    ///
    /// - Throws: `ArchiveError`, `ObjectStorageError`, or `DaybookError` for a folder that is not there.
    init(_ name: String, in place: String, endpoint: String?) async throws {
        let place = try StoragePlace(place)
        // To open a folder would make it.
        if case .folder(let path) = place, !FileManager.default.fileExists(atPath: path) {
            throw DaybookError(.invalid, "there is no folder \(path)")
        }
        let storage = try place.open(
            environment: ProcessInfo.processInfo.environment, endpoint: endpoint)
        try await self.init(in: storage, name: name)
    }
}
