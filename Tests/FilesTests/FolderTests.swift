import Files
import Foundation
import Testing

@Suite final class `Paths of folders` {
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString

    init() throws { try Folder.make(folder) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @Test func `Path leads where its links lead, also if its end does not exist`() throws {
        let real = try #require(try Folder.target(of: folder))
        try Folder.make(folder + "/a")
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/link", withDestinationPath: "a")
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/nothing", withDestinationPath: "missing")
        for (path, target) in [
            ("a", "a"), ("link", "a"), ("link/b/c", "a/b/c"), ("./link//b/", "a/b"),
            ("b", "b"), ("link/../b", "b"),
        ] {
            #expect(try Folder.target(of: "\(folder)/\(path)") == "\(real)/\(target)", "\(path)")
        }
        for path in ["nothing", "nothing/a", "b/../a"] {
            #expect(try Folder.target(of: "\(folder)/\(path)") == nil, "\(path)")
        }
        #expect(try Folder.target(of: "/") == "/")
        #expect(try Folder.target(of: "/no-such-folder/a") == "/no-such-folder/a")
    }

    @Test func `Folder is made with its parents, and what was made is removed if it is empty`()
        throws
    {
        let files = FileManager.default
        try Folder.make(folder + "/a")
        let made = try Folder.makeWithParents(folder + "/a//b/c/")
        #expect(made.count == 2 && files.fileExists(atPath: folder + "/a/b/c"))
        #expect(try Folder.makeWithParents(folder + "/a/b/c").isEmpty)
        Folder.removeEmpty(made)
        #expect(try Folder.names(in: folder + "/a").isEmpty)
        let again = try Folder.makeWithParents(folder + "/a/b/c")
        #expect(files.createFile(atPath: folder + "/a/b/file", contents: nil))
        Folder.removeEmpty(again)
        #expect(try Folder.names(in: folder + "/a/b") == ["file"])
        // A file is in the way.
        #expect(throws: SystemError.self) {
            try Folder.makeWithParents(folder + "/a/b/file/c/d")
        }
    }
}
