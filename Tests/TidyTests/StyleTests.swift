import Foundation
import TestSupport
import Testing

@Suite(.mayBlock) struct Style {
    @Test func `Files, functions and lines are short`() {
        for file in SourceTree.swift {
            if file.lines.count > 401 {
                Issue.record("\(Finding(file, 401, "a file has up to 400 lines"))")
            }
            for (index, line) in file.lines.enumerated()
            where line.count > 100 {
                Issue.record("\(Finding(file, index + 1, "a line has up to 100 columns"))")
            }
            for (line, count) in functions(of: file) where count > 70 {
                Issue.record(
                    "\(Finding(file, line, "a function has up to 70 lines, not \(count)"))")
            }
        }
    }

    @Test func `Code that may trap or sleeps has a comment with the reason`() {
        let words = ["try!", "as!", "fatalError(", "preconditionFailure(", "sleep("]
        // A forced optional: an exclamation mark after a name or a bracket that is not an operator.
        let forced = #/\w[)\]]?!(?![=\w])/#
        for file in SourceTree.swift {
            for (index, line) in file.code.enumerated()
            where words.contains(where: line.contains)
                || line.contains("!") && line.contains(forced)
            {
                if file.hasComment(at: index) { continue }
                Issue.record("\(Finding(file, index + 1, "give the reason in a comment: \(line)"))")
            }
        }
    }

    /// GRDB's subscripts trap on a value of another type. `decode` throws, and `fromDatabaseValue`
    /// returns nil.
    @Test func `Table values are decoded with a check`() {
        let trap = #/\brow\[["0-9]|\$0\["/#
        for file in SourceTree.swift where file.text.contains("import GRDB\n") {
            for (index, line) in file.code.enumerated()
            where line.replacing("fromDatabaseValue(row[", with: "").contains(trap) {
                Issue.record("\(Finding(file, index + 1, "use `decode`: \(line)"))")
            }
        }
    }

    /// Foundation's `write(_:)` traps if it can't write, for example on a full disk.
    @Test func `Standard output and error are written with functions that cannot trap`() {
        for file in SourceTree.swift {
            for (index, line) in file.code.enumerated()
            where line.contains("standardError.write(") || line.contains("standardOutput.write(") {
                if line.contains(".write(contentsOf:") { continue }
                Issue.record("\(Finding(file, index + 1, "use `tell` or `write(contentsOf:)`"))")
            }
        }
    }

    @Test func `Sources and documents have no notes for later`() {
        let later = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for file in SourceTree.swift + SourceTree.documents {
            for (index, line) in file.lines.enumerated() where later.contains(where: line.contains)
            {
                Issue.record("\(Finding(file, index + 1, "do it now or delete the note"))")
            }
        }
    }

    @Test func `Every public type of the shared modules has a doc comment`() {
        let type = #/^public (final |indirect )?(struct|enum|class|actor|protocol|macro) /#
        for file in SourceTree.swift where file.path.hasPrefix("Shared/") {
            for (index, line) in file.lines.enumerated()
            where line.contains("public ") && line.replacing("@safe ", with: "").contains(type) {
                let above = file.lines[..<index].last { !$0.hasPrefix("@") } ?? ""
                if !above.hasPrefix("///") {
                    Issue.record("\(Finding(file, index + 1, "a public type has a doc comment"))")
                }
            }
        }
    }

    /// Returns the first line and the length of each function. It relies on the formatter's layout.
    private func functions(of file: SourceFile) -> [(line: Int, count: Int)] {
        let start = #/^( *)([@\w]+ )*(func|init|deinit)\b/#
        return file.lines.indices.compactMap { begin in
            guard ["func ", "init", "deinit"].contains(where: file.lines[begin].contains),
                let match = file.lines[begin].firstMatch(of: start)
            else { return nil }
            let close = match.output.1 + "}"
            let body = file.lines[begin...].prefix { !$0.isEmpty || $0 == file.lines[begin] }
            guard body.contains(where: { $0.hasSuffix("{") }),
                let end = file.lines[begin...].firstIndex(of: close)
            else { return nil }
            return (begin + 1, end - begin + 1)
        }
    }
}
