import EventSourcing
import Foundation

extension Shell {
    /// Checks that the program with which a shell command begins can run.
    ///
    /// - Throws: `usage` if it is missing or not executable.
    static func check(_ command: String) async throws {
        try require(
            !command.allSatisfy(\.isWhitespace), .usage, "--exec is empty; give a shell command")
        guard let program = program(of: command) else { return }
        guard program.contains("/") else {
            // The shell knows its own commands and functions, and looks the others up in PATH.
            let found = try await Shell(#"command -v "$program" > /dev/null"#)
                .run([], environment: ["program": program])
            return try require(
                found.status == 0, .usage,
                "--exec: there is no command '\(program)' in PATH; give the path of the program")
        }
        let files = FileManager.default
        let path = URL(filePath: program).resolvingSymlinksInPath().path
        let type = try? files.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        try require(type != nil, .usage, "--exec: there is no file \(program)")
        try require(
            type != .typeDirectory && files.isExecutableFile(atPath: program), .usage,
            "--exec: \(program) is not an executable file")
    }

    /// Returns the program with which a shell command begins, such as `./invoice`. Nil if only the
    /// shell can tell, because the command begins with an assignment, a function or the like.
    static func program(of command: String) -> String? {
        let text = command.drop(while: \.isWhitespace)
        let separators: Set<Character> = [";", "&", "|", "<", ">", "(", ")"]
        func isEnd(_ character: Character?) -> Bool {
            character.map { $0.isWhitespace || separators.contains($0) } ?? true
        }
        if let quote = text.first, quote == "'" || quote == "\"" {
            let inside = text.dropFirst().prefix { $0 != quote }
            let rest = text.dropFirst(inside.count + 1)
            let isPlain = quote == "'" || !inside.contains { "$`\\".contains($0) }
            guard isPlain, rest.first == quote, isEnd(rest.dropFirst().first) else { return nil }
            return inside.isEmpty ? nil : String(inside)
        }
        let word = text.prefix { !isEnd($0) }
        // A function may follow its definition.
        if text.dropFirst(word.count).first(where: { !$0.isWhitespace }) == "(" { return nil }
        let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "/._+-,:@%".contains($0) }
        return word.isEmpty || !isPlain || word.hasPrefix("-") ? nil : String(word)
    }
}
