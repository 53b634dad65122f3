import EventSourcing
import Foundation
import JSON
import Testing
import WireProtocol

@Suite struct `Messages of services` {
    @Test func `Query names an event by position or id, and may lack all optional fields`() throws {
        let id = EventID(high: 1, low: 2)
        for (text, event) in [
            (#"{"query":"a"}"#, nil), (#"{"query":"a","without":7}"#, .position(7)),
            (#"{"query":"a","without":"\#(id)"}"#, .id(id)),
        ] as [(String, EventReference?)] {
            let request = try JSON.decode(QueryRequest<String>.self, from: text.utf8)
            #expect(request.without == event && request.timeout == nil && request.id == nil)
            #expect(try JSON.text(request).contains(#""query":"a""#))
        }
        for text in [#"{"query":"a","without":0}"#, #"{"query":"a","without":"7"}"#] {
            #expect(throws: (any Error).self) {
                try JSON.decode(QueryRequest<String>.self, from: text.utf8)
            }
        }
    }
}
