import EventSourcing
import Foundation
import JSON
import Logging
import Testing

@testable import Observability

struct `JSON log lines` {
    private struct Line: Codable, Hashable {
        var time: Timestamp
        var level: String
        var service: String
        var message: String
        var reason: String?
    }

    @Test func `Log entry is one line even if its message has line breaks`() throws {
        let time = try #require(Timestamp("2026-01-31T12:00:00Z"))
        let message = "two\r\nlines \"quoted\" \u{1}"
        let line = JSONLogHandler.line(
            at: time, .error, of: "orders", message,
            ["reason": "one\nmore", "level": "none", "time": "never"])
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(!line.dropLast().contains(UInt8(ascii: "\n")))
        #expect(
            try JSON.decode(Line.self, from: line)
                == Line(
                    time: time, level: "error", service: "orders", message: message,
                    reason: "one\nmore"))
    }

    @Test func `Log entry has no character that controls a terminal`() throws {
        let message = "a\u{1B}[31m\u{9B}\u{7F}\u{202E}b"
        let line = JSONLogHandler.line(
            at: Timestamp(microseconds: 0), .error, of: "a", message, [:])
        #expect(
            line.dropLast().allSatisfy { (0x20..<0x7F).contains($0) },
            "\(String(decoding: line, as: UTF8.self))")
        #expect(try JSON.decode(Line.self, from: line).message == message)
    }
}

struct `Standard error` {
    @Test func `Write to a full device does not end the process`() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        full.writeIgnoringErrors("a line\n")
        #expect(throws: (any Error).self) { try full.write(contentsOf: Data("a line\n".utf8)) }
    }
}
