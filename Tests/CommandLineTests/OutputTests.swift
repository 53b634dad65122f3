import ArgumentParser
import CommandLine
import EventSourcing
import Foundation
import Testing

@Suite struct `Output of commands` {
    @Test func `Column of a table is as wide as its widest cell`() {
        let lines = Output.lines(["id", "amount"], [["order-1", "é"], ["o", "11.77 USD"]])
        #expect(lines == ["id       amount", "order-1  é", "o        11.77 USD"])
    }

    @Test func `Table without rows has its headers`() {
        #expect(Output.lines(["a", "bb"], []) == ["a  bb"])
        #expect(Output.lines([], []) == [""])
    }

    @Test func `Table shows control characters as escapes, and its columns stay aligned`() {
        let lines = Output.lines(
            ["id", "text"], [["a\u{1B}[2J", "one\ntwo"], ["b", "\u{202E}x"]])
        #expect(
            lines == [
                "id          text", #"a\u{1B}[2J  one\ntwo"#, #"b           \u{202E}x"#,
            ])
    }

    @Test func `Values between tabs have no tabs and line breaks of their own`() {
        #expect(Output.tabbed([1, "a\tb", "c\r\nd"]) == "1\ta\\tb\tc\\r\\nd")
    }

    @Test func `Long output that can't be written is a storage error`() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let error = #expect(throws: DaybookError.self) {
            try Output.stream("a line\n".utf8, to: full)
        }
        #expect(error?.kind == .storage)
        #expect(error?.description == "can't write the output: No space left on device")
    }

    @Test func `Long output ends with success when its reader has closed the pipe`() throws {
        // The default action would end the test's process.
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        #expect(throws: ExitCode.success) {
            try Output.stream("a line\n".utf8, to: pipe.fileHandleForWriting)
        }
    }
}
