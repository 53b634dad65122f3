import Foundation
import TestSupport
import Testing

@Suite(.mayBlock) struct `The style` {
    @Test func `keeps files, functions and lines short`() {
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

    @Test func `gives the reason beside what may trap or waits by the clock`() {
        let words = ["try!", "as!", "fatalError(", "preconditionFailure(", "sleep("]
        // An optional that is taken for granted: behind a name or a bracket, and no operator.
        let forced = #/\w[)\]]?!(?![=\w])/#
        for file in SourceTree.swift {
            for (index, line) in file.code.enumerated()
            where words.contains(where: line.contains)
                || line.contains("!") && line.contains(forced)
            {
                if file.hasComment(at: index) { continue }
                Issue.record("\(Finding(file, index + 1, "say beside it why: \(line)"))")
            }
        }
    }

    /// GRDB's subscripts trap on a value of another type; `decode` and `fromDatabaseValue` tell.
    @Test func `decodes table values with a check`() {
        let trap = #/\brow\[["0-9]|\$0\["/#
        for file in SourceTree.swift where file.text.contains("import GRDB\n") {
            for (index, line) in file.code.enumerated()
            where line.replacing("fromDatabaseValue(row[", with: "").contains(trap) {
                Issue.record("\(Finding(file, index + 1, "use `decode`: \(line)"))")
            }
        }
    }

    /// Foundation's `write(_:)` traps where it can't write, as on a full disk.
    @Test func `writes to files with functions that throw`() {
        for file in SourceTree.swift {
            for (index, line) in file.code.enumerated()
            where line.contains("standardError.write(") || line.contains("standardOutput.write(") {
                if line.contains(".write(contentsOf:") { continue }
                Issue.record("\(Finding(file, index + 1, "use `tell` or `write(contentsOf:)`"))")
            }
        }
    }

    @Test func `leaves nothing for later`() {
        let later = ["TO" + "DO", "FIX" + "ME", "XX" + "X:"]
        for file in SourceTree.swift + SourceTree.documents {
            for (index, line) in file.lines.enumerated() where later.contains(where: line.contains)
            {
                Issue.record("\(Finding(file, index + 1, "do it, or leave it"))")
            }
        }
    }

    @Test func `says of every public type what it is`() {
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

    /// Where functions begin, and how many lines they have; by the layout that the formatter gives.
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
