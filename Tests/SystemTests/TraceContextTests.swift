import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Trace context of commands` {
    @Test func `Trace context of a command is passed on to every event that it causes`()
        async throws
    {
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
            #expect(EventMetadata(of: event)?.traceparent == trace, "\(event.type)")
            traced.append(event.type)
        }
        #expect(traced.contains("CreditDrawn") && traced.contains("RouteConfirmed"))
        await store.close()
        let shown = try suite.run("event-store", "trace", "--order", "traced")
        #expect(shown.output.contains(", trace 0af7651916cd43dd8448eb211c80319c\n"), "\(shown)")
    }

    @Test func `Invalid trace parent is ignored in the environment and rejected as an option`()
        async throws
    {
        let suite = try Suite()
        try suite.start("event-store")
        try suite.start("balance")
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        // The environment may be meant for another program. An option is meant for this command.
        suite.environment["TRACEPARENT"] = "00-none"
        #expect(try suite.run("balance", "open", "a").status == 0)
        #expect(try suite.run("balance", "open", "b", "--traceparent", trace).status == 0)
        let refused = try suite.run("balance", "open", "c", "--traceparent", "00-none")
        #expect(refused.status == EX_USAGE)
        #expect(refused.errors.contains("a traceparent is 00-<32 hexadecimal digits>"))
        #expect(refused.errors.contains("not '00-none'\n"))
        let store = try await suite.eventStore()
        var traces: [String: String?] = [:]
        for try await event in store.read(ReadRequest(.categories(["account"]))).events {
            traces["\(event.stream)"] = EventMetadata(of: event)?.traceparent
        }
        #expect(traces == ["account-a": nil, "account-b": trace])
        await store.close()
    }
}
