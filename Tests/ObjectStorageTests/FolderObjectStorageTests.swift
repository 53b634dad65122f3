import Foundation
import Testing

@testable import ObjectStorage

@Suite final class `Folder object storage` {
    let folder = NSTemporaryDirectory() + "objects-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @Test func `Folder storage passes the conformance tests`() async throws {
        try await expectConformance(of: FolderObjectStorage(folder: folder + "/new/one"))
    }

    @Test func `Reopened folder has its objects and removes leftovers of a crash`() async throws {
        try await FolderObjectStorage(folder: folder).put([1, 2], at: "a/b")
        // No process has this id, because it is above the highest on Linux.
        let leftover = folder + "/.unfinished-4194305-1"
        let ours = folder + "/.unfinished-\(getpid())-99"
        for path in [leftover, ours] { try Data("x".utf8).write(to: URL(filePath: path)) }
        let again = try FolderObjectStorage(folder: folder)
        #expect(try await again.get("a/b") == [1, 2])
        #expect(try await again.list("") == ["a/b"])
        #expect(!FileManager.default.fileExists(atPath: leftover))
        #expect(FileManager.default.fileExists(atPath: ours))
    }

    @Test func `Failed put leaves nothing behind`() async throws {
        let storage = try FolderObjectStorage(folder: folder)
        try await storage.put([1], at: "file")
        await #expect(throws: ObjectStorageError.self) { try await storage.put([2], at: "file/x") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
        #expect(try await storage.get("file") == [1])
    }

    @Test func `List has each object once despite circular links`() async throws {
        let storage = try FolderObjectStorage(folder: folder)
        try await storage.put([1], at: "a/x")
        try await storage.put([1], at: "b/y")
        for (link, target) in [("a/b", "../b"), ("b/a", "../a"), ("b/b", "."), ("c", "c")] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/\(link)", withDestinationPath: target)
        }
        let keys = try await storage.list("")
        #expect(keys.count { $0.hasSuffix("/x") } == 1, "\(keys)")
        #expect(keys.count { $0.hasSuffix("/y") } == 1, "\(keys)")
    }

    @Test func `Folder storage on a file fails with an error that names the path`() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = folder + "/file"
        try Data().write(to: URL(filePath: file))
        let error = #expect(throws: ObjectStorageError.self) {
            try FolderObjectStorage(folder: file)
        }
        #expect("\(try #require(error))".contains("can't make folder \(file)"))
    }
}
