import Foundation
import TestSupport
import Testing

/// The kept inputs of the fuzzers: those that reach different code, and those that once crashed or
/// broke a property. `scripts/test --all` looks for new ones. docs/testing.md describes how.
@Suite(.mayBlock) struct `Fuzzer corpora` {
    private static let corpora = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Corpora")

    @Test(arguments: Fuzzer.all.map(\.name))
    func `Every kept input has the properties that its fuzzer checks`(_ name: String) async throws {
        let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
        let folder = Self.corpora.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!files.isEmpty, "\(name) has no corpus")
        for file in files {
            let input = try Data(contentsOf: folder.appending(path: file))
            #expect(throws: Never.self, "\(name)/\(file)") { try fuzzer.run(Array(input)) }
            // Lets other tests run, because tests share few threads.
            await Task.yield()
        }
    }

    @Test func `Every corpus has a fuzzer and every fuzzer has a corpus`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpora.path)
        #expect(Set(folders) == Set(Fuzzer.all.map(\.name)))
    }
}
