import EventSourcing
import JSON
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

    @Test func `No caller may append to system streams, whatever its key says`() throws {
        let everything = Permissions(
            append: [Permissions.any, "$rule"], commands: [Permissions.any], administers: true)
        let root = Caller(name: "root", permissions: everything)
        for caller in [Caller.local, reader, root] {
            for category in ["$rule", "$deadletter", "$"] {
                let error = #expect(throws: ProtocolError.self) {
                    try caller.checkAppend(to: category)
                }
                #expect(error?.code == .denied)
                #expect(error?.message.contains("streams of '\(category)'") == true)
            }
        }
        #expect(!Permissions.everything.mayAppend(to: "$rule"))
        #expect(Permissions.everything.mayAppend(to: "rule$"))
    }

    @Test func `Key receives only from the queues that it lists`() throws {
        func receives(_ permissions: Permissions, from queue: String) -> Bool {
            (try? Caller(name: "ann", permissions: permissions).checkQueue(queue)) != nil
        }
        let worker = Permissions(receive: ["invoices", "mail"])
        #expect(receives(worker, from: "invoices") && receives(worker, from: "mail"))
        #expect(!receives(worker, from: "ann") && !receives(worker, from: "orders"))
        #expect(receives(Permissions(receive: [Permissions.any]), from: "orders"))
        #expect(receives(Permissions(administers: true), from: "orders"))
        #expect(!receives(Permissions(), from: "ann"))
        // An earlier version did not list queues.
        let json = #"{"append":[],"read":["*"],"commands":[],"administers":false}"#
        let earlier = try JSON.decode(Permissions.self, from: Array(json.utf8))
        #expect(receives(earlier, from: "ann") && !receives(earlier, from: "orders"))
        #expect(try JSON.decode(Permissions.self, from: JSON.encode(worker)) == worker)
    }

    @Test func `Local caller may do anything that a client can do`() throws {
        try Caller.local.checkRead()
        try Caller.local.checkAppend(to: "rule")
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
        #expect(throws: ProtocolError.self) { try reader.checkQueue("ann") }
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
