import Files
import Foundation
import Testing

@Suite final class `Files and folders` {
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString

    init() throws { try Folder.make(folder) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @Test func `File is read where it was written, up to its end`() throws {
        let file = try File(folder + "/a", .create)
        let bytes: [UInt8] = [1, 2, 3]
        try file.write(bytes.span, at: 4)
        try file.syncContent()
        #expect(try file.read(at: 0, count: 100) == [0, 0, 0, 0, 1, 2, 3])
        #expect(try file.read(at: 5, count: 1) == [2])
        #expect(try file.read(at: 7, count: 3) == [])
        let status = try file.status()
        #expect(status.size == 7 && status.isFile && !status.isFolder)
        #expect(try Folder.status(of: folder + "/a")?.identity == status.identity)
    }

    @Test func `Mode of a file decides whether it is created, kept or emptied`() throws {
        let path = folder + "/a"
        for mode in [File.Mode.read, .readWrite] {
            let error = #expect(throws: SystemError.self) { try File(path, mode) }
            #expect(error?.isNotFound == true)
        }
        let bytes: [UInt8] = [1]
        try File(path, .create).write(bytes.span, at: 0)
        for mode in [File.Mode.read, .readWrite, .create] {
            #expect(try File(path, mode).read(at: 0, count: 9) == bytes)
        }
        #expect(throws: SystemError.self) { try File(path, .read).write(bytes.span, at: 0) }
        #expect(try File(path, .replace).read(at: 0, count: 9) == [])
    }

    @Test func `File is locked by one at a time`() throws {
        let (first, second) = (try File(folder + "/a", .create), try File(folder + "/a", .create))
        #expect(try first.lock())
        #expect(try !second.lock())
        first.unlock()
        #expect(try second.lock())
    }

    @Test func `Folder lists, renames and removes its entries`() throws {
        // A folder that exists already stays as it is.
        try Folder.make(folder)
        for name in ["a", "b"] { _ = try File("\(folder)/\(name)", .create) }
        let identity = try Folder.status(of: folder + "/a")?.identity
        #expect(try Folder.names(in: folder).sorted() == ["a", "b"])
        try Folder.rename(folder + "/a", to: folder + "/b")
        try Folder.sync(folder)
        #expect(try Folder.names(in: folder) == ["b"])
        #expect(try Folder.status(of: folder + "/b")?.identity == identity)
        try Folder.remove(folder + "/b")
        #expect(try Folder.status(of: folder + "/b") == nil)
        #expect(throws: SystemError.self) { try Folder.remove(folder + "/b") }
    }

    @Test func `Circle of links leads to nothing`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/a", withDestinationPath: folder + "/a")
        #expect(try Folder.status(of: folder + "/a") == nil)
    }
}
