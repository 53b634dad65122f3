import Foundation
import TestSupport
import Testing

@Suite(.mayBlock) struct Documentation {
    @Test func `Documents and comments name only existing files`() {
        let path = #/\b(?:Shared|Services|Tests|docs|examples|scripts)(?:\/[\w.+-]+)+/#
        for file in SourceTree.documents + SourceTree.swift {
            let isSwift = file.path.hasSuffix(".swift")
            for (index, line) in file.lines.enumerated()
            where line.contains("/") && (!isSwift || line.contains("// ")) {
                for match in line.matches(of: path) {
                    let name = String(match.output).trimmingCharacters(in: .init(charactersIn: "."))
                    if !SourceTree.exists(name) {
                        Issue.record("\(Finding(file, index + 1, "there is no \(name)"))")
                    }
                }
            }
        }
    }

    @Test func `Documents name only existing test files and targets`() {
        let names = Set(
            SourceTree.swift.filter { $0.path.hasPrefix("Tests/") }.flatMap { file in
                file.path.split(separator: "/").map {
                    $0.replacing(".swift", with: "").split(separator: "+")[0]
                }
            }.map(String.init))
        // The guide to a new service names files that a reader makes.
        for file in SourceTree.documents where file.path != "docs/new-service.md" {
            for (index, line) in file.lines.enumerated() {
                for match in line.matches(of: #/`(\w+Tests)(?:\+\w+)?`/#)
                where !names.contains(String(match.output.1)) {
                    Issue.record("\(Finding(file, index + 1, "there is no \(match.output.1)"))")
                }
            }
        }
    }

    @Test func `Links in documents lead to existing files`() {
        for file in SourceTree.documents {
            let folder = file.path.split(separator: "/").dropLast().joined(separator: "/")
            for (index, line) in file.lines.enumerated() {
                for match in line.matches(of: #/\]\(([^)#]+)[^)]*\)/#) {
                    let target = String(match.output.1)
                    guard !target.contains("://"), !SourceTree.exists("\(folder)/\(target)") else {
                        continue
                    }
                    Issue.record("\(Finding(file, index + 1, "there is no \(target)"))")
                }
            }
        }
    }

    /// The guide shows lines of files that are built and tested.
    @Test func `Guide to a new service names its files and shows their exact lines`() {
        let guide = SourceFile("docs/new-service.md").text
        for file in SourceTree.swift where file.path.hasPrefix("examples/new-service/") {
            let name = file.path.split(separator: "/").last ?? ""
            #expect(guide.contains("\(name)`"), "docs/new-service.md does not name \(file.path)")
        }
        let excerpts = guide.matches(of: #/\n`([\w\/.-]+)`:\n\n```\w+\n((?s:.*?))```\n/#)
        #expect(excerpts.count == guide.matches(of: #/\n```\w/#).count && excerpts.count >= 6)
        for excerpt in excerpts {
            let file = SourceFile(String(excerpt.output.1))
            #expect(
                file.text.contains(excerpt.output.2),
                "\(file.path) does not have these lines of docs/new-service.md")
        }
    }
}
