import ArgumentParser
import CommandLine
import EventSourcing
import Testing

private struct Query: QueryCommand {
    static let abstract = "Show an answer."
    @OptionGroup var call: CallOptions
    @OptionGroup var when: MomentOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var log: LogOptions
}

@Suite struct `Options for past states` {
    @Test func `Moment is a position, a time or now`() throws {
        #expect(try MomentOptions.parse(["--position", "7"]).moment == .position(7))
        let time = try #require(Timestamp("2026-01-31T12:00:00Z"))
        #expect(try MomentOptions.parse(["--at", "2026-01-31T12:00:00Z"]).moment == .time(time))
        #expect(try MomentOptions.parse([]).moment == nil)
    }

    @Test(arguments: [
        ("--at 2026-01-31 --position 1", "--at and --position exclude each other"),
        ("--position 0", "--position must be 1 or more, not 0"),
        ("--position=-1", "'-1' is invalid"), ("--at today", "it is not an RFC 3339 time"),
        ("--without x", "'x' is neither an event's id nor a position"),
        ("--store s --position 1", "--store shows the file's own state"),
        ("--store s --at 2026-01-31", "--store shows the file's own state"),
        ("--store s --without 3", "--store shows the file's own state"),
        ("--store s --offline", "--store shows the file's own state"),
        ("--event-store ipc://x --at 2026-01-31", "--event-store needs --offline"),
    ])
    func `Invalid or conflicting options are rejected with a reason`(line: String, reason: String) {
        do {
            _ = try Query.parse(line.split(separator: " ").map(String.init))
            Issue.record("accepted: \(line)")
        } catch {
            #expect(Query.message(for: error).contains(reason), "\(line)")
        }
    }
}
