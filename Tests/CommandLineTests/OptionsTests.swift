import ArgumentParser
import EventSourcing
import Testing

@testable import CommandLine

@Suite struct `Timeout option` {
    @Test func `Timeout is 30 seconds unless it is given`() throws {
        #expect(try CallOptions.parse([]).timeout == 30)
        #expect(
            try CallOptions.parse(["--timeout", "0.5"]).timeoutOption.duration == .milliseconds(500)
        )
        #expect(Timeout().given == nil)
        for text in ["0", "-1", "1e9", "nan", "inf", "0x10"] {
            #expect(throws: (any Error).self) { try CallOptions.parse(["--timeout=\(text)"]) }
        }
    }

    @Test func `Given timeout ends a computation that takes longer, and only a given one`()
        async throws
    {
        let options = try Timeout.argument("0.01")
        let error = await #expect(throws: DaybookError.self) {
            // Ends only by the cancellation.
            try await options.limit { try await Task.sleep(for: .seconds(86_400)) }
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.description.contains("raise --timeout") == true)
        #expect(try await Timeout().limit { 7 } == 7)
        #expect(try await Timeout.argument("60").limit { 8 } == 8)
    }
}
