import EventSourcing
import Testing

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
