import EventSourcing
import Foundation
import Testing
import WireProtocol

@Suite struct `Protocol errors` {
    @Test func `Error codes have the names that the protocol document gives them`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/protocol.md")
        let rows = try String(contentsOf: file, encoding: .utf8)
            .matches(of: /\n\| (\d+) \| ([a-z]\w+) \| [^|]+ \| (?:no|later|decide again) \|/)
        #expect(rows.count == 15)
        for row in rows {
            let code = ProtocolError.Code(rawValue: try #require(UInt16(row.output.1)))
            #expect("\(code)" == row.output.2)
        }
        #expect("\(ProtocolError.Code(rawValue: 999))" == "999")
    }

    @Test func `Error decodes to what was encoded`() {
        let error = ProtocolError(.wrongRevision, detail: 4, "stream a-1 is at revision 3")
        #expect(ProtocolError(error.bytes.span) == error)
    }
}
