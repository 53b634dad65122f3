import EventSourcing
import Testing
import WireProtocol

@Suite struct `Caller permissions` {
    private let reader = Caller(
        name: "ann", permissions: Permissions(append: ["order"], read: ["order", "route"]))

    @Test func `Caller may read only in the categories that its key allows`() throws {
        let order = try StreamName("order-1")
        let allowed: [EventQuery] = [
            .categories(["order"]), .categories(["order", "route"]), .stream(order),
            EventQuery([.init(streams: [order], categories: ["account"])]),
            EventQuery([.init(categories: ["route"], types: ["T"]), .init(streams: [order])]),
        ]
        for query in allowed { try reader.checkRead(query) }
        let denied: [EventQuery] = [
            .all, EventQuery([.init()]), .types(["T"]), .tags(["t"]),
            .categories(["order", "account"]), .stream(try StreamName("orders-1")),
            EventQuery([.init(categories: ["order"]), .init(tags: ["t"])]),
        ]
        for query in denied {
            #expect(throws: ProtocolError.self) { try reader.checkRead(query) }
        }
    }

    @Test func `Local caller may do anything`() throws {
        try Caller.local.checkRead()
        try Caller.local.checkAppend(to: "$rule")
        try Caller.local.checkCommand(to: BusCall.service)
        try Caller.local.checkQueue("any")
        #expect(Caller.local.actor("ann@host") == "ann@host")
    }

    @Test func `Caller without permission is denied with an error that names its key`() {
        let error = #expect(throws: ProtocolError.self) {
            try reader.checkCommand(to: "withdraw")
        }
        #expect(error?.code == .denied)
        #expect(error?.message == "the key of ann may not send commands to withdraw")
        #expect(throws: ProtocolError.self) { try reader.checkAdministers() }
        #expect(throws: ProtocolError.self) { try reader.checkCommand(to: BusCall.service) }
        #expect(throws: ProtocolError.self) { try reader.checkAppend(to: "route") }
        #expect(throws: ProtocolError.self) { try reader.checkQueue("orders") }
        #expect(throws: Never.self) { try reader.checkQueue("ann") }
    }

    @Test func `Actor is the key's name, followed by the name that the caller states`() {
        #expect(reader.actor("bob@host") == "ann (bob@host)")
        #expect(reader.actor("ann") == "ann")
    }

    @Test func `Without a keyring only local callers are known`() {
        #expect(AccessControl.none.caller("key") == nil)
        #expect(AccessControl.none.caller(nil) == .local)
    }
}
