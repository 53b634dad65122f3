import Foundation

/// The files of the repository, for tests of their text.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Daybook's Swift files.
    static let swift = files(
        in: ["Services", "Shared", "Tests", "Benchmarks", "examples"], ending: ".swift")
    static let documents = files(in: ["docs"], ending: ".md") + [SourceFile("README.md")]

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private static func files(in folders: [String], ending: String) -> [SourceFile] {
        folders.flatMap { folder in
            (FileManager.default.enumerator(atPath: root.appending(path: folder).path)?
                .compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(ending) && !$0.contains(".build/") }
                .map { SourceFile("\(folder)/\($0)") }
        }.sorted { $0.path < $1.path }
    }
}

struct SourceFile: Sendable {
    /// The path from the root of the repository.
    let path: String
    let text: String
    let lines: [Substring]
    /// The lines without comments and without the content of string literals.
    let code: [String]

    init(_ path: String) {
        self.path = path
        // An unreadable file counts as empty, and a test of the architecture reports it.
        text =
            (try? String(contentsOf: SourceTree.root.appending(path: path), encoding: .utf8)) ?? ""
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = path.hasSuffix(".swift") ? lines.map(Self.code(of:)) : []
    }

    private static func code(of line: Substring) -> String {
        var (code, isLiteral, isEscaped) = ([UInt8](), false, false)
        for byte in line.utf8 {
            if isLiteral {
                isLiteral = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            isLiteral = byte == UInt8(ascii: "\"")
            code.append(byte)
            if code.suffix(2) == [UInt8(ascii: "/"), UInt8(ascii: "/")] {
                code.removeLast(2)
                break
            }
        }
        return String(decoding: code, as: UTF8.self)
    }

    /// The number of lines that are neither empty nor a comment.
    var codeLineCount: Int {
        lines.count { !$0.trimmed.isEmpty && !$0.trimmed.hasPrefix("//") }
    }

    /// Returns whether the line at an index or one of the three before it has a comment.
    func hasComment(at index: Int) -> Bool {
        lines[max(0, index - 3)...index].contains { $0.contains("//") }
    }

    /// The modules that the file imports, with the line numbers.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let last = words.last, words.dropLast().last == "import" else { return nil }
            return (String(last), index + 1)
        }
    }
}

/// A violation of a rule, with its file and line.
extension Substring {
    /// The text without the spaces at its beginning.
    var trimmed: Substring { drop { $0 == " " } }
}

struct Finding: CustomStringConvertible {
    let description: String

    init(_ file: SourceFile, _ line: Int, _ message: String) {
        description = "\(file.path):\(line): \(message)"
    }
}
