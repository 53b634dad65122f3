import TestSupport
import Testing

/// The tests mirror the modules: a file `X.swift` or `X+part.swift` is tested by `XTests.swift` or
/// `XTests+part.swift` in the test target of its module.
@Suite(.mayBlock) struct `Layout of the tests` {
    /// A file with more lines of code decides something.
    private static let limit = 60
    /// The targets that test more than one module.
    private static let kinds: Set = ["FuzzTests", "IntegrationTests", "SystemTests", "TidyTests"]
    /// Tests of a document, not of a file.
    private static let documents: Set = [
        "Tests/ContractsTests/DocumentTests.swift", "Tests/EventPatternTests/DocumentTests.swift",
    ]

    private let targets: [PackageTarget]

    init() throws { targets = try PackageTarget.all() }

    /// The name of a file without its extension and without the part after `+`.
    private static func name(of path: String) -> Substring {
        let file = path.split(separator: "/").last ?? ""
        return file.prefix { $0 != "+" && $0 != "." }
    }

    private func files(of target: PackageTarget) -> [SourceFile] {
        SourceTree.swift.filter { $0.path.hasPrefix(target.path + "/") }
    }

    @Test func `Test target is named after the module that it tests`() {
        let modules = Set(targets.map(\.name))
        for target in targets where target.path.hasPrefix("Tests/") && target.name != "TestSupport"
        {
            #expect(target.path == "Tests/\(target.name)")
            #expect(
                Self.kinds.contains(target.name)
                    || target.name.hasSuffix("Tests")
                        && modules.contains(String(target.name.dropLast(5))),
                "\(target.path)")
        }
    }

    @Test func `Test file is named after the file that it tests`() {
        for target in targets {
            let names = Set(files(of: target).map { Self.name(of: $0.path) })
            let tests = SourceTree.swift.map(\.path).filter {
                $0.hasPrefix("Tests/\(target.name)Tests/") && Self.name(of: $0).hasSuffix("Tests")
            }
            for path in tests where !names.contains(Self.name(of: path).dropLast(5)) {
                #expect(Self.documents.contains(path), "\(target.name) has no file for \(path)")
            }
        }
        for path in Self.documents { #expect(SourceTree.exists(path), "\(path)") }
    }

    @Test func `File that decides something has a test file, or a reason for having none`() {
        let tested = Set(
            SourceTree.swift.map { $0.path.split(separator: "/") }.filter { $0.first == "Tests" }
                .map { "\($0[1])/\(Self.name(of: String($0[$0.count - 1])))" })
        var needed = 0
        for target in targets
        where target.path.hasPrefix("Services/") || target.path.hasPrefix("Shared/") {
            for file in files(of: target) where file.codeLineCount > Self.limit {
                needed += 1
                let hasTest = tested.contains(
                    "\(target.name)Tests/\(Self.name(of: file.path))Tests")
                let reason = Untested.reason(for: file.path)
                if hasTest, reason != nil {
                    Issue.record("\(file.path) has tests: remove it from the list")
                } else if !hasTest, reason == nil {
                    Issue.record("\(Finding(file, 1, "no file tests it"))")
                }
            }
        }
        #expect(needed > 100)
    }

    @Test func `List of files without tests of their own is current`() {
        for (path, test) in Untested.files {
            let lines = SourceFile(path).codeLineCount
            #expect(lines > Self.limit, "\(path) has \(lines) lines: remove it from the list")
            #expect(SourceTree.exists("Tests/\(test).swift"), "there is no test \(test)")
        }
    }
}
