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
        let bytes: [UInt8]
        do throws(ObjectStorageError) {
            bytes = try await storage.get(ArchiveManifest.key(of: name))
        } catch {
            guard case .noObject = error else { throw .storage(error) }
            guard try await segmentNames().isEmpty else { throw .noManifest(name) }
            return nil
        }
        return try ArchiveManifest(bytes, of: name)
    }

    func put(_ manifest: ArchiveManifest) async throws(ArchiveError) {
        let bytes: [UInt8]
        do {
            bytes = try manifest.encoded()
        } catch {
            throw .damagedManifest(ArchiveManifest.key(of: name), "\(error)")
        }
        try await storing { () async throws(ObjectStorageError) in
            try await storage.put(bytes, at: ArchiveManifest.key(of: name))
        }
    }

    func contents(
        of segment: ArchiveSegment, in manifest: ArchiveManifest
    ) async throws(ArchiveError) -> SegmentContents {
        let key = manifest.key(of: segment)
        let object: [UInt8]
        do throws(ObjectStorageError) {
            object = try await storage.get(key)
        } catch {
            guard case .noObject = error else { throw .storage(error) }
            throw .damaged(
                segment: key, validThrough: segment.from - 1, last: segment.through, "it is missing"
            )
        }
        return await SegmentContents.read(object, of: segment, log: manifest.log, key: key)
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
            try await storing { () async throws(ObjectStorageError) in
                try await storage.delete("\(self.name)/\(name)")
            }
        }
    }

    private func segmentNames() async throws(ArchiveError) -> [String] {
        let objects = try await storing { () async throws(ObjectStorageError) in
            try await storage.list("\(name)/")
        }
        return objects.map { String($0.key.dropFirst(name.utf8.count + 1)) }
            .filter { $0.hasSuffix(ArchiveSegment.suffix) }
    }
}
