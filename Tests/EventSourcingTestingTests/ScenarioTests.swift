import EventSourcing
import EventSourcingTesting
import Testing

/// A complete decider that is small enough to read at a glance.
private enum Purse: Decider {
    enum Command: Sendable {
        case put(Int)
        case take(Int)
    }
    enum Event: Sendable, Equatable {
        case put(Int)
        case taken(Int)
    }
    struct Rejection: Error, Equatable, CustomStringConvertible { let description: String }

    static var initial: Int { 0 }

    static func decide(_ command: Command, given state: Int) throws(Rejection) -> [Event] {
        switch command {
        case .put(let amount): return [.put(amount)]
        case .take(let amount):
            guard amount <= state else { throw Rejection(description: "it holds \(state)") }
            return [.taken(amount)]
        }
    }

    static func evolve(_ state: inout Int, with event: Event) {
        switch event {
        case .put(let amount): state += amount
        case .taken(let amount): state -= amount
        }
    }
}

@Suite struct `Decider scenarios` {
    @Test func `Scenario returns the events of a command and the state after it`() throws {
        #expect(try given(Purse.self, .put(5)).when(.take(3)) == [.taken(3)])
        #expect(try given(Purse.self, .put(5)).after(.take(3)).state == 2)
    }

    @Test func `Scenario throws the rejection of a command`() {
        #expect(throws: Purse.Rejection(description: "it holds 5")) {
            try given(Purse.self, .put(5)).when(.take(6))
        }
    }
}
