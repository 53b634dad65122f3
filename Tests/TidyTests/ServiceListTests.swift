import Foundation
import TestSupport
import Testing

/// The places that list the suite's services, and the script that adds a service to all of them.
@Suite(.mayBlock) struct `Service lists` {
    @Test func `Every list of services names the same services`() throws {
        let declarations = SourceTree.swift.compactMap { file in
            file.path.hasPrefix("Services/") && file.path.hasSuffix("/Main/Service.swift")
                ? file.text.firstMatch(of: #/static let name = "(\w+)"/#).map { String($0.1) } : nil
        }
        let services = Set(declarations)
        #expect(services.count >= 6)
        for (path, pattern) in [
            ("Shared/WireProtocol/Services/SuiteService.swift", #/\.init\("(\w+)", appendsTo/#),
            ("Package.swift", #/\n        \("\w+", "(\w+)", /#),
            ("Services/Daybook/Executable/main.swift", #/\.(\w+),/#),
            ("compose.yaml", #/command: \[(\w+), serve\]/#),
            ("compose.yaml", #/(\w+): \{file: /#),
        ] {
            let names = Set(SourceFile(path).text.matches(of: pattern).map { String($0.1) })
            let others: Set = ["audit", "eventStore", "keyring", "operator", "store"]
            #expect(names.subtracting(others) == services, "\(path)")
        }
    }

    @Test func `New service is written under its name and added to every list`() throws {
        let copy = try RepositoryCopy()
        let before = copy.files()
        let run = try copy.run(["scripts/new-service", "trialRun"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("    Services/TrialRun/Main/Service.swift\n"))
        let after = copy.files()
        let added = Set(after.keys).subtracting(before.keys)
        #expect(
            added
                == Set(
                    [
                        "Domain/Card", "Domain/Events", "Domain/TrialRunProjection",
                        "Main/Commands", "Main/Queries", "Main/Service", "Main/Tables",
                        "Executable/main",
                    ].map { "Services/TrialRun/\($0).swift" } + [
                        "Tests/TrialRunDomainTests/CardTests.swift"
                    ]))
        for path in added {
            let text = after[path] ?? ""
            #expect(!text.isEmpty && !text.contains(#/[Ll]oyalty|Participant/#), "\(path)")
        }
        let changed = before.keys.filter { before[$0] != after[$0] }
        #expect(
            Set(changed) == [
                "Package.swift", "compose.yaml", "Services/Daybook/Executable/main.swift",
                "Shared/WireProtocol/Services/SuiteService.swift",
                "Tests/SystemTests/Boundaries/CallTable.swift",
                "Tests/SystemTests/Past/History.swift",
            ])
        for path in changed {
            let text = after[path]?.replacing("trialRun", with: "").replacing(
                "TrialRun", with: "")
            #expect(text != after[path], "\(path)")
        }
        #expect(try copy.run(["scripts/services"]).output.hasSuffix("\ntrialRun\n"))
        let swift = added.union(changed).filter { $0.hasSuffix(".swift") }
        let lint = try copy.run(["swift", "format", "lint", "--strict"] + swift.sorted())
        #expect(lint.status == 0, "\(lint.errors)")

        let again = try copy.run(["scripts/new-service", "trialRun"])
        #expect(again.status == 64)
        #expect(again.errors == "new-service: 'trialRun' is taken; choose another name\n")
        #expect(copy.files() == after)
    }

    @Test func `Invalid or taken name of a new service is rejected and changes nothing`() throws {
        let copy = try RepositoryCopy()
        let before = copy.files()
        for name in [
            "", "TrialRun", "gift-cards", "2go", "a b", "../x", "orders", "creditLimit",
            "account", "eventStore", "loyalty", "order", "class", "bus", "metrics", "string",
            "foundation", "logging", "cli", "tail", "stats",
        ] {
            let run = try copy.run(["scripts/new-service", name])
            #expect(run.status == 64 && run.output.isEmpty)
            #expect(run.errors.hasPrefix("new-service: '\(name)' is "), "\(run.errors)")
            #expect(run.errors.split(separator: "\n").count == 1)
        }
        #expect(copy.files() == before)
    }
}

/// A copy of the repository's files that the scripts for services read.
private final class RepositoryCopy {
    struct Run {
        let status: Int32
        let output: String
        let errors: String
    }

    private let root = URL(filePath: "/tmp/daybook-\(UUID().uuidString.prefix(8))")

    init() throws {
        let files = FileManager.default
        try files.createDirectory(at: root, withIntermediateDirectories: true)
        for path in [
            ".swift-format", "Package.swift", "compose.yaml", "scripts", "Services", "Shared",
            "Tests/SystemTests/Boundaries", "Tests/SystemTests/Past", "examples/new-service",
        ] {
            let target = root.appending(path: path)
            try files.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try files.copyItem(at: SourceTree.root.appending(path: path), to: target)
        }
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// Returns the text of each file, by its path.
    func files() -> [String: String] {
        let paths = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String }
        var files: [String: String] = [:]
        for path in paths ?? [] {
            // A folder has no data.
            guard let data = try? Data(contentsOf: root.appending(path: path)) else { continue }
            files[path] = String(decoding: data, as: UTF8.self)
        }
        return files
    }

    /// Runs a command in the copy. Its output must fit into a pipe.
    func run(_ words: [String]) throws -> Run {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.currentDirectoryURL = root
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        process.waitUntilExit()
        func text(_ pipe: Pipe) throws -> String {
            String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        }
        return Run(
            status: process.terminationStatus, output: try text(output), errors: try text(errors))
    }
}
