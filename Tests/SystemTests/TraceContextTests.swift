import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import ServiceKit
import Testing
import WireProtocol

extension `The suite` {
    @Test func `hands a trace on, from a command to all that comes of it`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        try suite.customer("tess", funds: "100.00", credit: "1.00")
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        suite.environment["TRACEPARENT"] = trace
        let placed = try suite.run(
            "orders", "place", "--id", "traced", "--customer", "tess", "--item", "cd:1:1.00",
            "--to", "LHR")
        #expect(placed.status == 0, "\(placed.errors)")
        #expect(try await suite.ended("traced").status == .confirmed)
        #expect(try suite.audit().status == 0)
        let store = try await suite.eventStore()
        let first = try await suite.event(
            matching: EventQuery([.init(types: ["OrderPlaced"])]))
        var traced: [String] = []
        for try await event in store.read(ReadRequest(.all)).events
        where event.correlationID == first.correlationID {
            let metadata = try JSONDecoder().decode(
                EventMetadata.self, from: Data(event.metadata))
            #expect(metadata.traceparent == trace, "\(event.type)")
            traced.append(event.type)
        }
        #expect(traced.contains("CreditDrawn") && traced.contains("RouteConfirmed"))
        await store.close()
        suite.environment["TRACEPARENT"] = "00-none"
        let refused = try suite.run("credit", "tess", "1.00")
        #expect(refused.status == EX_DATAERR)
        #expect(refused.errors.hasPrefix("credit: TRACEPARENT is 00-<32 hexadecimal digits>"))
        #expect(refused.errors.hasSuffix("not '00-none'\n"))
    }
}
