import Foundation

/// The repository's files.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../..").standardizedFileURL

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func files(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
            .sorted()
    }
}

/// The doc comments of types and their properties in the sources of the contracts.
struct DocComments {
    /// The first paragraph in one line, by `Type` and `Type.property`.
    private(set) var texts: [String: String] = [:]

    init() throws {
        for folder in [
            "Shared/Contracts/Events", "Shared/Contracts/Values", "Shared/EventSourcing/Names",
        ] {
            for file in try Repository.files(in: folder) {
                try read(Repository.text("\(folder)/\(file)"))
            }
        }
        try read(Repository.text("Shared/WireProtocol/Amendments.swift"))
    }

    private mutating func read(_ source: String) throws {
        let type = #/^public (?:struct|enum|protocol) (\w+)/#
        let property = #/^    public (?:var|let) (\w+):/#
        var (current, paragraph, isOver) = ("", [Substring](), false)
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix("///") {
                let words = trimmed.dropFirst(3).drop { $0 == " " }
                isOver = isOver || words.isEmpty
                if !isOver { paragraph.append(words) }
                continue
            }
            let text = paragraph.isEmpty ? nil : paragraph.joined(separator: " ")
            (paragraph, isOver) = ([], false)
            if let match = line.firstMatch(of: type) {
                current = String(match.output.1)
                texts[current] = text
            } else if let match = line.firstMatch(of: property) {
                texts["\(current).\(match.output.1)"] = text
            }
        }
    }
}
