import JSON
import Testing

@Suite struct `Reading of JSON` {
    private struct Numbers: Decodable {
        var count: UInt8?
        var share: Double?
        var sum: Int64?
    }

    private func fault(_ text: String) -> String? {
        do {
            _ = try JSON.decode(Numbers.self, from: Array(text.utf8))
            return nil
        } catch {
            return (error as? DecodingError)?.oneLine
        }
    }

    @Test(arguments: [
        (#"{"count":300}"#, "count"), (#"{"count":-1}"#, "count"), (#"{"count":1.5}"#, "count"),
        (#"{"share":1e400}"#, "share"), (#"{"sum":9223372036854775808}"#, "sum"),
    ])
    func `Number that does not fit its field is named`(text: String, field: String) {
        #expect(
            fault(text)
                == "\(field): the number is out of range, or has a fraction where none is allowed")
    }

    @Test(arguments: [
        ("", "it is not JSON at byte 1: the JSON ends too early"),
        (#"{"count":}"#, "it is not JSON at byte 10: expected a JSON value"),
        (#"{"count":1 2}"#, "it is not JSON at byte 12: expected ',' or '}'"),
        (#"{"count":01}"#, "it is not JSON at byte 11: expected ',' or '}'"),
    ])
    func `Text that is not JSON is rejected with the place of the error`(
        text: String, reason: String
    ) {
        #expect(fault(text) == reason)
    }

    @Test func `Valid JSON is read, and a wrong type is named with its path`() {
        #expect(fault(#"{"count":255,"share":1e300,"sum":-9223372036854775808}"#) == nil)
        #expect(fault(#"{"count":"x"}"#)?.hasPrefix("count: ") == true)
    }
}

@Suite struct `Writing of JSON` {
    @Test(arguments: [0, 1, 2, 20_000])
    func `List that pauses is written like any other`(count: Int) async throws {
        let list = (0..<count).map { ["b": "\($0)", "a": "x/ü"] }
        #expect(try await JSON.data(pausing: list) == JSON.data(list))
    }

    @Test func `Long list is no longer written once its task is cancelled`() async throws {
        let task = Task { try await JSON.data(pausing: Array(repeating: ["a": 1], count: 1 << 20)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
