import ArgumentParser
import EventSourcing
import Testing

@testable import CommandLine

@Suite struct `Options of commands` {
    private let id = EventID(high: 1, low: 2)
    private let option = "--command-id 00000000-0000-0001-0000-000000000002"

    @Test func `Command id is a UUID, and missing by default`() throws {
        let words = option.split(separator: " ").map(String.init)
        #expect(try CommandIDOption.parse(words).given == id)
        #expect(try CommandIDOption.parse([]).given == nil)
        #expect(throws: (any Error).self) { try CommandIDOption.parse(["--command-id", "1"]) }
    }

    @Test func `Repetition of a command line has the command's id`() {
        func line(_ arguments: String...) -> String {
            CommandIDOption.repetition(of: arguments, with: id)
        }
        #expect(line("credit", "p", "10.00") == "credit p 10.00 \(option)")
        #expect(line("credit", "p", "--", "-1.00") == "credit p \(option) -- -1.00")
        let given = ["credit", "p", "--command-id", "\(id)", "10.00"]
        #expect(
            CommandIDOption.repetition(of: given, with: id) == given.joined(separator: " "))
        #expect(line("credit", "--command-id=\(id)") == "credit --command-id=\(id)")
    }

    @Test(arguments: [
        ("a b", "'a b'"), ("", "''"), ("it's", #"'it'\''s'"#), ("$HOME", "'$HOME'"),
        ("{\"a\":1}", #"'{"a":1}'"#), ("é", "'é'"), ("a+b@c.org:1/2=3", "a+b@c.org:1/2=3"),
        ("a\n'\\\u{1B}", #"$'a\U0000000a\'\\\U0000001b'"#),
        ("\u{202E}a", #"$'\U0000202ea'"#), ("\r\n", #"$'\U0000000d\U0000000a'"#),
    ])
    func `Argument in a repetition is one word of a shell, without control characters`(
        argument: String, word: String
    ) {
        #expect(
            CommandIDOption.repetition(of: [argument], with: id) == "\(word) \(option)")
    }

    @Test(arguments: [DaybookError.Kind.unavailable, .overloaded])
    func `Error that leaves the outcome open says how to repeat the command`(
        kind: DaybookError.Kind
    ) async throws {
        let command = try CommandIDOption.parse(option.split(separator: " ").map(String.init))
        let error = await #expect(throws: DaybookError.self) {
            try await command.repeatable { id, mayBeRepeat in
                #expect(id == self.id && mayBeRepeat)
                throw DaybookError(kind, "no answer")
            }
        }
        #expect(error?.kind == kind)
        #expect(
            error?.description.hasPrefix(
                "no answer. The outcome is unknown: the command may have taken effect. Repeat it "
                    + "safely with: ") == true)
        #expect(error?.description.contains(option) == true)
    }

    @Test func `Error that says what happened is not changed`() async throws {
        let rejected = DaybookError.rejected("too little money")
        await #expect(throws: rejected) {
            try await CommandIDOption.parse([]).repeatable { _, mayBeRepeat in
                #expect(!mayBeRepeat)
                throw rejected
            }
        }
    }
}
