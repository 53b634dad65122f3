import Testing

@testable import Observability

struct `Text log lines` {
    @Test func `Log entry is one line even if its text has line breaks and escape sequences`() {
        let forged = "2026-01-31T12:00:00+0000 notice bus: all is well"
        #expect(
            LogStream.line("warning bus: error=boom\r\n\(forged)\u{1B}[1A\n")
                == "warning bus: error=boom\\r\\n\(forged)\\u{1B}[1A\n")
        #expect(LogStream.line("plain é\n") == "plain é\n")
        #expect(LogStream.line("no end") == "no end\n")
    }
}
