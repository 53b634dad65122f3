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
}

struct `Standard error` {
    @Test func `Write to a full device does not end the process`() throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        full.tell("a line\n")
        #expect(throws: (any Error).self) { try full.write(contentsOf: Data("a line\n".utf8)) }
    }
}

struct `Trace parents` {
    private static let id = String(repeating: "a", count: 32)
    private static let span = String(repeating: "b", count: 16)

    @Test(arguments: [
        "00-\(id)-\(span)-00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-\(id)-\(span)-ff", "cc-\(id)-\(span)-01-what-is-to-come",
    ])
    func `Trace parent is passed on unchanged`(text: String) throws {
        let parent = try #require(TraceParent(text))
        #expect(parent.description == text)
        var cause = Cause(correlationID: .none, causationID: .none, key: .none, actor: "ann")
        cause.traceparent = parent
        let metadata = try EventMetadata(cause).encoded()
        #expect(
            String(decoding: metadata, as: UTF8.self)
                == #"{"actor":"ann","traceparent":"\#(text)"}"#)
    }

    @Test(arguments: [
        "", "00", "00-\(id)-\(span)", "00-\(id)-\(span)-1", "00-\(id)-\(span)-01-", "x",
        "00-\(id)-\(span)-01-more", "ff-\(id)-\(span)-01", "cc-\(id)-\(span)-01more",
        "00-\(id.uppercased())-\(span)-01", "00-\(id)-0000000000000000-01",
        "00-00000000000000000000000000000000-\(span)-01", "00_\(id)_\(span)_01",
        " 0-\(id)-\(span)-01", "00-\(span)-\(id)-01", "00-\(id)-\(span)-0g",
        "cc-\(id)-\(span)-01-" + String(repeating: "x", count: 500),
    ])
    func `Invalid trace parent is rejected`(text: String) { #expect(TraceParent(text) == nil) }
}
