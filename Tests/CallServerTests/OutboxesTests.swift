import CallServer
import Testing
import WireProtocol
import ZeroMQ

@Suite struct `Outboxes of connections` {
    private let ann = Caller(name: "ann", permissions: .everything)
    private let bob = Caller(name: "bob", permissions: .everything)

    private func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    @Test func `Connection whose answers wait gets no more until they are sent`() throws {
        var outboxes = Outboxes(bytesOfCaller: 64 << 20)
        let room = outboxes.room(for: 20 << 20, to: [1], ann)
        let unsent = try #require(room)
        let large = Frame(bytes(20 << 20).span, countedBy: unsent)
        #expect(outboxes.room(for: 1, to: [1], ann) == nil)
        #expect(outboxes.room(for: 4 << 20, to: [2], ann) != nil)
        outboxes.forgetIdle()
        #expect(outboxes.room(for: 1, to: [1], ann) == nil)
        _ = consume large
        #expect(outboxes.room(for: 1, to: [1], ann) != nil)
    }

    @Test func `Key whose answers wait gets only small ones, and other keys get all`() throws {
        var outboxes = Outboxes(bytesOfCaller: 64 << 20)
        let room = outboxes.room(for: 1, to: [1], ann)
        let unsent = try #require(room)
        let large = Frame(bytes(128 << 20).span, countedBy: unsent)
        #expect(outboxes.room(for: 4 << 20, to: [2], ann) == nil)
        // One record, or some small answers.
        #expect(outboxes.room(for: 1 << 20, to: [2], ann) != nil)
        let second = outboxes.unsent(of: [2], ann)
        let small = Frame(bytes(200 << 10).span, countedBy: second)
        #expect(outboxes.room(for: 1 << 10, to: [2], ann) != nil)
        #expect(outboxes.room(for: 1 << 20, to: [2], ann) == nil)
        #expect(outboxes.room(for: 4 << 20, to: [3], bob) != nil)
        _ = consume large
        _ = consume small
        #expect(second.bytes == 0)
    }
}
