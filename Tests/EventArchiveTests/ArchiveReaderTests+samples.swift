import EventArchive
import EventSourcing
import Foundation
import ObjectStorage
import Testing

/// An archive of each format version, kept as it was written. Every later version must read it.
@Suite struct `Archive format samples` {
    private let samples = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Samples")

    @Test func `Archive of version 1 is read`() async throws {
        let folder = TemporaryFolder()
        try FileManager.default.copyItem(
            atPath: samples.appending(path: "version-1").path, toPath: folder.path)
        let storage = try FolderObjectStorage(folder: folder.path)
        let manifest = try await ArchiveReader(in: storage, name: "a").manifest
        #expect(manifest.log == log && manifest.version == 4 && manifest.checkpoint == 41)
        #expect(
            manifest.segments.map(\.name) == [
                "0000000000000001-0000000000000010.segment",
                "0000000000000011-000000000000001e.segment",
                "000000000000001f-0000000000000029.segment",
            ])
        #expect(manifest.segments.map(\.codec) == [.zlib, .zlib, .zlib])
        try await expectArchive(storage, holds: try matching(1...40))
    }
}
