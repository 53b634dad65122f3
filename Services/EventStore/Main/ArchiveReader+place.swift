import EventArchive
import Foundation
import ObjectStorage
import ServiceKit

extension ArchiveReader {
    /// The archive of this name in a place as people write it, with this process's credentials.
    ///
    /// - Throws: `ArchiveError`, `ObjectStorageError`, or `Problem` for a folder that is not there.
    init(_ name: String, in place: String, endpoint: String?) async throws {
        let place = try StoragePlace(place)
        // To open a folder would make it.
        if case .folder(let path) = place, !FileManager.default.fileExists(atPath: path) {
            throw Problem.data("there is no folder \(path)")
        }
        let storage = try place.open(
            environment: ProcessInfo.processInfo.environment, endpoint: endpoint)
        try await self.init(in: storage, name: name)
    }
}

extension ArchiveError {
    var problem: Problem {
        if case .storage(let error) = self { error.problem } else { .data(description) }
    }
}

extension ObjectStorageError {
    var problem: Problem {
        let status =
            switch self {
            case .invalid: EX_USAGE
            case .noObject, .refused: EX_DATAERR
            case .unavailable, .cancelled: EX_UNAVAILABLE
            }
        return Problem(status: status, description)
    }
}
