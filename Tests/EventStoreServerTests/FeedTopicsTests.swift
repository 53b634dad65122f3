import Glibc
import Testing
import ZeroMQ

@testable import EventStoreServer

@Suite struct `Topics of the feed` {
    private func subscription(_ topic: String) -> [UInt8] { [1] + Array(topic.utf8) }

    @Test func `Connection may subscribe to some topics, and another one to its own`() throws {
        var descriptors: [Int32] = [0, 0]
        // Safe, because the array has room for both descriptors.
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
        defer { for descriptor in descriptors { _ = close(descriptor) } }
        let connections = try descriptors.map { try #require(Connection($0)) }
        var topics = FeedTopics()
        func note(_ message: [UInt8], by connection: Connection?) -> Bool {
            topics.note(message, by: connection)
        }
        for number in 0..<256 {
            #expect(note(subscription("account.T\(number)"), by: connections[0]))
        }
        // Another time the same is not another topic.
        #expect(note(subscription("account.T7"), by: connections[0]))
        #expect(!note(subscription("account.U"), by: connections[0]))
        for topic in ["account.U", "account.T7", "account.unknown"] {
            #expect(note([0] + Array(topic.utf8), by: connections[0]))
        }
        #expect(note(subscription("account.V"), by: connections[0]))
        #expect(!note(subscription("account.W"), by: connections[0]))
        #expect(note(subscription("order."), by: connections[1]))
        let long = String(repeating: "x", count: 16 << 10)
        #expect(!note(subscription(long), by: connections[1]))
        #expect(note(subscription(long), by: nil))
        #expect(topics.isSubscribed(to: Array("order.OrderPlaced".utf8)))
        #expect(!topics.isSubscribed(to: Array("account.U".utf8)))
    }
}
