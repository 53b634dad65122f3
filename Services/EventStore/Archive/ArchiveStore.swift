import EventSourcing
import ObjectStorage

/// The objects of one archive.
struct ArchiveStore: Sendable {
    let storage: any ObjectStorage
    let name: String

    init(_ storage: any ObjectStorage, name: String) throws(ArchiveError) {
        try ArchiveManifest.check(name: name)
        self.storage = storage
        self.name = name
    }

    /// Reads the manifest, or returns nil if no archive has this name.
    func manifest() async throws(ArchiveError) -> ArchiveManifest? {
        if let bytes = try await get(ArchiveManifest.key(of: name)) {
            return try ArchiveManifest(bytes, of: name)
        }
        guard try await segmentNames().isEmpty else { throw .noManifest(name) }
        return nil
    }

    func put(_ manifest: ArchiveManifest) async throws(ArchiveError) {
        let key = ArchiveManifest.key(of: name)
        let bytes: [UInt8]
        do { bytes = try manifest.encoded() } catch { throw .damagedManifest(key, "\(error)") }
        try await storing(try await storage.put(bytes, at: key))
    }

    /// Reads and checks the segment, on another thread because it takes time.
    @concurrent func contents(
        of segment: ArchiveSegment, in manifest: ArchiveManifest
    ) async throws(ArchiveError) -> SegmentContents {
        let key = manifest.key(of: segment)
        guard let object = try await get(key) else {
            throw segment.damage(at: key, "it is missing")
        }
        return SegmentContents(object, of: segment, log: manifest.log, key: key)
    }

    /// Returns the object, or nil if it does not exist.
    private func get(_ key: String) async throws(ArchiveError) -> [UInt8]? {
        do throws(ObjectStorageError) {
            return try await storage.get(key)
        } catch {
            guard case .noObject = error else { throw .storage(error) }
            return nil
        }
    }

    /// Removes segments that a crash left: those uploaded but never listed, and those removed from
    /// the manifest but not yet deleted.
    ///
    /// It keeps unlisted segments after the manifest's last one, because an older manifest may have
    /// been put back.
    func removeLeftovers(of manifest: ArchiveManifest) async throws(ArchiveError) {
        let listed = Set(manifest.segments.map(\.name))
        for name in try await segmentNames() where !listed.contains(name) {
            guard let positions = ArchiveSegment.positions(in: name[...]),
                positions.upperBound < manifest.next
            else { continue }
            try await storing(try await storage.delete("\(self.name)/\(name)"))
        }
    }

    private func segmentNames() async throws(ArchiveError) -> [String] {
        let keys = try await storing(try await storage.list("\(name)/"))
        return keys.map { String($0.dropFirst(name.utf8.count + 1)) }
            .filter { $0.hasSuffix(ArchiveSegment.suffix) }
    }
}
