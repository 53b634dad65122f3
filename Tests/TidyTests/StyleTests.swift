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

    /// Debug builds of the argument parser check each group five times at each level of nesting, so
    /// commands with nested groups start slowly.
    @Test func `No group of options contains another one`() {
        for file in SourceTree.swift {
            var groupIndent: Int?
            for (index, line) in file.code.enumerated() {
                let indent = line.prefix { $0 == " " }.count
                if line.contains(": ParsableArguments") {
                    groupIndent = indent
                } else if let start = groupIndent, indent <= start, line.contains("}") {
                    groupIndent = nil
                } else if groupIndent != nil, line.contains("@OptionGroup") {
                    Issue.record("\(Finding(file, index + 1, "a command declares it: \(line)"))")
                }
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
                let advice = "use `writeIgnoringErrors` or `write(contentsOf:)`"
                Issue.record("\(Finding(file, index + 1, advice))")
            }
        }
    }

    /// `print` ignores a failure to write, and passes on characters that control a terminal.
    @Test func `Only the output of commands and logs writes to standard output and error`() {
        let bare =
            #/
            (^|[^.\w`])(print|debugPrint|dump|puts|fputs|putchar)\(
            | \bSwift\.(print|debugPrint|dump)\( | \bFileHandle\.standard(Output|Error)\b
            /#
        let output = [
            "Shared/CommandLine/Output.swift", "Shared/Observability/Logs/",
            "Shared/IntegrationHarness/",
        ]
        for file in SourceTree.swift where !file.path.contains("Tests/") {
            if output.contains(where: file.path.hasPrefix) { continue }
            for (index, line) in file.code.enumerated()
            where !line.contains("func ") && line.contains(bare) {
                Issue.record("\(Finding(file, index + 1, "use `Output`: \(line)"))")
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

    @Test func `Public declarations have doc comments`() {
        let declaration = #/^ *(@\S+ )*(public|package) (?!import |extension )/#
        var (count, missing) = (0, [Finding]())
        for file in SourceTree.swift where !file.path.hasPrefix("Tests/") {
            for (index, line) in file.lines.enumerated() where line.contains(declaration) {
                count += 1
                let above = file.lines[..<index].last { !$0.trimmed.hasPrefix("@") } ?? ""
                if !above.trimmed.hasPrefix("///") {
                    missing.append(Finding(file, index + 1, "a public declaration has a comment"))
                }
            }
        }
        #expect(count > 2000)
        #expect(
            missing.count * 20 <= count, "\(missing.map(\.description).joined(separator: "\n"))")
    }

    /// Turns of phrase that a stranger has to translate. The list does not find all of them.
    @Test func `Text is in plain English`() {
        let dialect =
            #/
            (?xi) \b( anew | is\ none | so\ (?:many|long)\b | gone\ on\ with | parted\ from
            | of\ old(?!\ \w) | tells\ of | is\ told | whoever | knock | for\ want\ of
            | in\ vain )\b
            /#
        for file in SourceTree.swift + SourceTree.documents
        where file.path != "Tests/TidyTests/StyleTests.swift" {
            for (index, line) in file.lines.enumerated() where line.contains(dialect) {
                Issue.record("\(Finding(file, index + 1, "say it in plain English"))")
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
