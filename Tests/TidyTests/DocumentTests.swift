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

    /// The guide shows the same bytes that are built and tested.
    @Test func `Guide to a new service shows its files exactly`() {
        let guide = SourceFile("docs/new-service.md").text
        let files = SourceTree.swift.filter { $0.path.hasPrefix("examples/new-service/") }
        #expect(files.count >= 6)
        for file in files {
            #expect(
                guide.contains("\n`\(file.path)`:\n\n```swift\n\(file.text)```\n"),
                "docs/new-service.md does not show \(file.path) exactly")
        }
        let rules = SourceFile("examples/new-service/rules.json")
        #expect(guide.contains("\n`\(rules.path)`:\n\n```json\n\(rules.text)```\n"))
    }
}
