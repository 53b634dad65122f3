import Foundation
import TestSupport
import Testing

/// Every input that the fuzzers have kept: what reaches different code, and what once crashed or
/// broke a property. `scripts/test --all` looks for new ones; docs/testing.md says how.
@Suite(.mayBlock) struct `The kept inputs of the fuzzers` {
    private static let corpora = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Corpora")

    @Test(arguments: Fuzzer.all.map(\.name))
    func `Every kept input keeps its fuzzer's properties`(_ name: String) async throws {
        let fuzzer = try #require(Fuzzer.all.first { $0.name == name })
        let folder = Self.corpora.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!files.isEmpty, "\(name) has no corpus")
        for file in files {
            let input = try Data(contentsOf: folder.appending(path: file))
            #expect(throws: Never.self, "\(name)/\(file)") { try fuzzer.run(Array(input)) }
            // Other tests wait for the few threads that tests run on.
            await Task.yield()
        }
    }

    @Test func `Every folder of inputs has a fuzzer`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpora.path)
        #expect(Set(folders) == Set(Fuzzer.all.map(\.name)))
    }
}
