import EventSourcing
import ObjectStorage
import WireProtocol

extension ArchiveDefinition {
    /// Returns the archive's place, without looking at what is there.
    ///
    /// - Throws: `invalid` if it is neither an absolute path nor `s3://bucket/prefix`.
    @discardableResult
    func checkPlace() throws(DaybookError) -> StoragePlace {
        let parsed: StoragePlace
        do {
            parsed = try StoragePlace(place)
        } catch {
            throw DaybookError(error.kind, error.description)
        }
        if case .folder(let path) = parsed {
            try require(
                path.hasPrefix("/"), .invalid,
                "an archive's folder must be an absolute path, not '\(path)'")
        }
        return parsed
    }
}
